#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# perl: fork, pipes, signals.
. selftests/apps/lib.sh
need perl perl
watched program -- perl "$programs/perl.pl"
compare program_follow --follow -- perl "$programs/perl.pl"
attached program -- perl "$programs/perl.pl"
attached program_follow --follow -- perl "$programs/perl.pl"
finish "perl gives what it gives natively"
