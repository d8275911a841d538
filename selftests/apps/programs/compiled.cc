// SPDX-License-Identifier: GPL-2.0-only
/* Input for the compiler test: templates, the standard library's large headers, exceptions, lambdas, constant evaluation. */
#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> constexpr auto primes()
{
	std::array<int, N> found{};
	int count = 0;
	for (int candidate = 2; count < N; candidate++) {
		bool prime = true;
		for (int i = 0; i < count; i++)
			prime = prime && candidate % found[i];
		if (prime)
			found[count++] = candidate;
	}
	return found;
}

struct Leaf {
	double value;
};
struct Node;
using Tree = std::variant<Leaf, std::unique_ptr<Node>>;
struct Node {
	char op;
	Tree left, right;
};

template <class... Ts> struct Overloaded : Ts... {
	using Ts::operator()...;
};
template <class... Ts> Overloaded(Ts...) -> Overloaded<Ts...>;

static double evaluate(const Tree &tree)
{
	return std::visit(Overloaded{[](const Leaf &leaf) { return leaf.value; },
				     [](const std::unique_ptr<Node> &node) {
					     double left = evaluate(node->left), right = evaluate(node->right);
					     switch (node->op) {
					     case '+':
						     return left + right;
					     case '*':
						     return left * right;
					     }
					     throw std::runtime_error(std::string("no operator ") + node->op);
				     }},
			  tree);
}

static Tree grow(int depth)
{
	if (!depth)
		return Leaf{1.5};
	return std::make_unique<Node>(Node{depth % 2 ? '+' : '*', grow(depth - 1), grow(depth - 1)});
}

int main()
{
	constexpr auto table = primes<60>();
	std::map<std::string, std::vector<int>> by_digit;
	for (int prime : table)
		by_digit[std::to_string(prime % 10)].push_back(prime);
	std::unordered_map<int, std::function<int(int)>> functions;
	for (int i = 0; i < 10; i++)
		functions[i] = [i](int x) { return x * i; };
	std::ostringstream out;
	for (const auto &[digit, list] : by_digit)
		out << digit << ':' << std::accumulate(list.begin(), list.end(), 0) << ' ';
	std::smatch match;
	std::string text = out.str();
	std::regex_search(text, match, std::regex("7:(\\d+)"));
	std::cout << text << match[1] << ' ' << functions[7](6) << ' ' << evaluate(grow(5)) << '\n';
	try {
		evaluate(std::make_unique<Node>(Node{'?', Leaf{1}, Leaf{2}}));
	} catch (const std::exception &error) {
		std::cout << error.what() << '\n';
	}
}
