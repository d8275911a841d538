#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# fork, pipes, signals, sockets, and perl's own safe signals. Prints only what doesn't depend on time.
use strict;
use warnings;
use POSIX ":sys_wait_h";
use Socket;
use Time::HiRes qw(setitimer ITIMER_REAL usleep);
$| = 1;

if (my $gate = $ENV{APP_GATE}) {
	open(my $ready, '>', "$gate.ready") or die;
	close($ready);
	usleep(20000) until -e $gate;
}

my $x = 1;
$x = ($x * 48271) % 2147483647 for 1 .. 300000;
my %words;
$words{$_ % 977} .= chr(97 + $_ % 26) for 1 .. 50000;
my $joined = join ',', map { "$_=$words{$_}" } sort { $a <=> $b } keys %words;
my $matches = () = $joined =~ /a(p)et/g;
print "compute $x ", length($joined), " $matches ", unpack("%32C*", $joined), "\n";

for my $i (1 .. 20) {
	my $pid = fork() // die;
	exit($i + 10) unless $pid;
	waitpid($pid, 0);
	print "child $i: ", $? >> 8, "\n";
}

pipe(my $reader, my $writer);
if (!fork()) {
	close $reader;
	print $writer "line $_\n" for 1 .. 20000;
	close $writer;
	POSIX::_exit(0);
}
close $writer;
my $sum = 0;
while (<$reader>) { $sum += $1 if /(\d+)/ }
wait();
print "through a pipe: $sum\n";
open(my $sort, '-|', "seq 1 200 | sort -n -r") or die;
my @lines = <$sort>;
close $sort;
print "from a shell: ", scalar(@lines), " $lines[0]";
print "system: ", system("exit 6;") >> 8, ", backticks: ", `echo quoted`;

my ($alarms, $usr) = (0, 0);
$SIG{ALRM} = sub { $alarms++ };
$SIG{USR1} = sub { $usr++ };
setitimer(ITIMER_REAL, 0.002, 0.002);
$x = ($x * 48271) % 2147483647 for 1 .. 3000000;
my $rest = select(undef, undef, undef, 0.05);
setitimer(ITIMER_REAL, 0);
print "below a timer: $x, handlers ", ($alarms > 5 ? "ran" : "missing: $alarms"), "\n";
kill 'USR1', $$ for 1 .. 100;
print "usr1: $usr\n";
my $timed = eval {
	local $SIG{ALRM} = sub { die "alarm\n" };
	alarm 1;
	select(undef, undef, undef, 20);
	1;
};
print "alarm left the sleep: ", $timed ? "no" : $@;

my $victim = fork() // die;
if (!$victim) {
	sleep 30;
	exit 0;
}
kill 'STOP', $victim;
print "stopped: ", waitpid($victim, WUNTRACED) == $victim ? 1 : 0, "\n";
kill 'CONT', $victim;
kill 'TERM', $victim;
waitpid($victim, 0);
print "ended by signal ", $? & 127, "\n";

my %exits;
local $SIG{CHLD} = sub { while ((my $pid = waitpid(-1, WNOHANG)) > 0) { $exits{ $? >> 8 }++ } };
for my $i (1 .. 10) { exit($i) unless fork() // die }
usleep(10000) until keys %exits == 10;
print "reaped in the handler: ", join(' ', sort { $a <=> $b } keys %exits), "\n";

socketpair(my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
syswrite $left, "x" x 5000;
sysread $right, my $got, 10000;
print "socket: ", length($got), "\n";
exec 'perl', '-e', 'print "after exec\n"; kill "TERM", $$; sleep 5';
