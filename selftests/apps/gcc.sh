#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# gcc: the driver alone, the driver with its children, the compiler proper; object files are identical, what is linked runs.
. selftests/apps/lib.sh
need gcc gcc g++ g++
compare_files
c=$programs/compiled.c
cc=$programs/compiled.cc
cc1=$(gcc -print-prog-name=cc1)

compare c -- gcc -O3 -c -o c.o "$c"
compare c_follow --follow -- gcc -O3 -c -o c.o "$c"
compare c_pipe_follow --follow -- gcc -pipe -O2 -c -o c.o "$c"
compare cc -- g++ -std=c++17 -O1 -c -o cc.o "$cc"
compare cc_follow --follow -- g++ -std=c++17 -O1 -c -o cc.o "$cc"
# As the driver calls it, but without the paths that only the driver knows.
preprocessed=$work/preprocessed.ii
if ! gcc -E "$c" -o "$work/preprocessed.i" || ! g++ -std=c++17 -E "$cc" -o "$preprocessed"; then
	echo "gcc doesn't preprocess natively"
	exit 1
fi
cc1plus=("$(g++ -print-prog-name=cc1plus)" -quiet -fpreprocessed -std=c++17 -O2 "$preprocessed" -o cc.s)
compare cc1 -- "$cc1" -quiet -fpreprocessed -O3 "$work/preprocessed.i" -o c.s
watched cc1plus -- "${cc1plus[@]}"
compare link_follow --follow -- gcc -O2 -o program "$c" -lm
compare lto_follow --follow -- gcc -O2 -flto -o program "$c" -lm
compare error_follow --follow -- gcc -c -o none.o "$programs/none.c"
gate_delay=0.4
attached cc1plus -- "${cc1plus[@]}"
finish "gcc produces what it produces natively"
