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
cc1plus=$(g++ -print-prog-name=cc1plus)

compare c -- gcc -O3 -c -o c.o "$c"
compare c_follow --follow -- gcc -O3 -c -o c.o "$c"
compare c_pipe_follow --follow -- gcc -pipe -O2 -c -o c.o "$c"
compare cc -- g++ -std=c++17 -O1 -c -o cc.o "$cc"
compare cc_follow --follow -- g++ -std=c++17 -O1 -c -o cc.o "$cc"
compare cc1 -- "$cc1" -quiet -O3 "$c" -o c.s
watched cc1plus -- "$cc1plus" -quiet -D_GNU_SOURCE -std=c++17 -O1 "$cc" -o cc.s
compare link_follow --follow -- gcc -O2 -o program "$c" -lm
compare lto_follow --follow -- gcc -O2 -flto -o program "$c" -lm
compare error_follow --follow -- gcc -c -o none.o "$programs/none.c"
gate_delay=0.4
attached cc1plus -- "$cc1plus" -quiet -D_GNU_SOURCE -std=c++17 -O1 "$cc" -o cc.s
finish "gcc produces what it produces natively"
