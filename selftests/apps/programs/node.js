// SPDX-License-Identifier: GPL-2.0-only
// node.js jit|workers|children|timers|wasm: prints only what doesn't depend on time.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const child_process = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const zlib = require('zlib');

function mixed(x) {
	x ^= x << 13;
	x ^= x >>> 17;
	return x ^ (x << 5);
}

function work(seed, n) {
	let x = seed, sum = 0;
	for (let i = 0; i < n; i++) {
		x = mixed(x);
		sum += Math.sqrt(x >>> 0) % 1;
	}
	return `${x} ${sum.toFixed(6)}`;
}

// Functions that get hot, are optimised, and then see another type: compilation, deoptimisation, garbage.
function jit() {
	console.log(work(12345, 5e6));
	const add = (a, b) => a + b;
	let total = 0;
	for (let i = 0; i < 200000; i++) total = add(total, i);
	let text = '';
	for (let i = 0; i < 2000; i++) text = add(text, String.fromCharCode(97 + i % 26));
	console.log(total, text.length, crypto.createHash('sha256').update(text).digest('hex'));
	let list = [];
	for (let round = 0; round < 30; round++) {
		list = [];
		for (let i = 0; i < 30000; i++) list.push({ key: mixed(i + round) >>> 0, name: 'n' + i });
		list.sort((a, b) => a.key - b.key);
	}
	console.log(list[0], list[29999].key, /(\d+)-(\d+)/.exec('a 12-34 b').slice(1));
	for (let i = 0; i < 20; i++) total += new Function('x', `return x * ${i} + ${i * i}`)(i);
	console.log(total);
	function deep(n) { return 1 + deep(n + 1); }
	try {
		deep(0);
	} catch (error) {
		console.log(error.constructor.name);
	}
	let big = 1n;
	for (let i = 1n; i < 600n; i++) big *= i;
	console.log(crypto.createHash('md5').update(big.toString()).digest('hex'));
	const packed = zlib.gzipSync(Buffer.from(text.repeat(100)));
	console.log(zlib.gunzipSync(packed).length);
}

async function workers() {
	const shared = new Int32Array(new SharedArrayBuffer(8));
	const run = (seed) => new Promise((resolve, reject) => {
		const worker = new Worker(__filename, { workerData: { seed, shared } });
		worker.on('message', resolve);
		worker.on('error', reject);
	});
	console.log(await Promise.all([1, 2, 3, 4].map(run)));
	console.log('counter', Atomics.load(shared, 0));
}

function in_worker() {
	for (let i = 0; i < 10000; i++) Atomics.add(workerData.shared, 0, 1);
	parentPort.postMessage(work(workerData.seed, 1e6));
}

async function children() {
	for (let i = 0; i < 5; i++) {
		const child = child_process.spawnSync('sh', ['-c', `echo child ${i}; exit ${i}`]);
		console.log(child.stdout.toString().trim(), child.status);
	}
	console.log(child_process.execSync('tr a-z A-Z', { input: 'upper case\n' }).toString());
	const tr = child_process.spawn('sort', ['-n']);
	let got = '';
	tr.stdout.on('data', (data) => got += data);
	for (let i = 5000; i > 0; i--) tr.stdin.write(i + '\n');
	tr.stdin.end();
	const code = await new Promise((resolve) => tr.on('close', resolve));
	console.log(code, got.split('\n').length, crypto.createHash('md5').update(got).digest('hex'));
	const sleeper = child_process.spawn('sleep', ['30']);
	sleeper.kill('SIGTERM');
	console.log(await new Promise((resolve) => sleeper.on('exit', (c, signal) => resolve(`${c} ${signal}`))));
	const forked = child_process.fork(__filename, ['echo']);
	const echoed = new Promise((resolve) => forked.on('message', resolve));
	forked.send({ question: 6 * 7 });
	console.log(await echoed);
	forked.disconnect();
}

async function timers() {
	const order = [];
	const wait = (ms, name) => new Promise((resolve) => setTimeout(() => resolve(order.push(name)), ms));
	await Promise.all([wait(120, 'c'), wait(20, 'a'), wait(70, 'b')]);
	console.log(order.join(''));
	let ticks = 0, signals = 0;
	process.on('SIGUSR2', () => signals++);
	await new Promise((resolve) => {
		const interval = setInterval(() => {
			process.kill(process.pid, 'SIGUSR2');
			if (++ticks === 50) resolve(clearInterval(interval));
		}, 2);
	});
	while (!signals) await wait(5, '');
	console.log('ticks', ticks, 'signals came', signals > 0);
	const server = net.createServer((socket) => socket.on('data', (data) => socket.end(data.toString().toUpperCase())));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const ask = (text) => new Promise((resolve) => {
		const socket = net.connect(server.address().port, '127.0.0.1', () => socket.write(text));
		socket.on('data', (data) => resolve(data.toString()));
	});
	console.log(await Promise.all([...Array(20).keys()].map((i) => ask(`line ${i}`))));
	server.close();
	const hash = await new Promise((resolve) => crypto.pbkdf2('a', 'b', 50000, 32, 'sha256', (e, key) => resolve(key)));
	console.log(hash.toString('hex'), (await fs.promises.readFile(__filename)).length > 1000);
}

// (module (memory 1)
//   (func (export "sum") (param $n i32) (result i32) (local $acc i32)
//     loop  $acc = $acc * 31 + $n; $n = $n - 1; br_if $n  end  $acc)
//   (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
async function wasm() {
	const module = Buffer.from(
		'0061736d0100000001060160017f017f03030200000503010001070e020373756d0000046c6f616400010a2602' +
		'1c01017f03402001411f6c20006a21012000417f6a22000d000b20010b070020002802000b', 'hex');
	const { instance } = await WebAssembly.instantiate(module);
	console.log(instance.exports.sum(10), instance.exports.sum(20000000));
	// V8 has no bounds checks in code: beyond the memory's end is a true SIGSEGV that its handler turns into this.
	let traps = 0, message = '';
	for (let i = 0; i < 200; i++) {
		try {
			instance.exports.load(65536 + i * 4096);
		} catch (error) {
			traps++;
			message = error.message;
		}
	}
	console.log('in bounds', instance.exports.load(65532), 'traps', traps, message);
}

async function gate() {
	const path = process.env.APP_GATE;
	if (!path || process.argv[2] === 'echo') return;
	fs.writeFileSync(path + '.ready', '');
	while (!fs.existsSync(path)) {
		work(1, 1e5);
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
}

function echo() {
	process.on('message', (message) => process.send({ answer: message.question }));
}

if (isMainThread) gate().then({ jit, workers, children, timers, wasm, echo }[process.argv[2]]);
else in_worker();
