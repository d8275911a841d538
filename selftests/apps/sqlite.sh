#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# sqlite3: transactions on a database file, rollback and write-ahead journal; the files are identical.
. selftests/apps/lib.sh
need sqlite3 sqlite3
compare_files
input=$work/input.sql

# workload JOURNAL: everything is computed, nothing is random
workload() {
	cat <<-END
		PRAGMA journal_mode=$1;
		PRAGMA page_size;
		CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT, balance INTEGER NOT NULL CHECK(balance >= 0));
		CREATE TABLE log(a INTEGER, b INTEGER, amount INTEGER);
		CREATE INDEX owner ON account(owner);
		BEGIN;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			INSERT INTO account SELECT i, printf('owner %05d', i * 7919 % 20000), 1000 + i % 17 FROM n;
		COMMIT;
		SELECT count(*), sum(balance), max(owner) FROM account;
	END
	for i in $(seq 1 60); do
		cat <<-END
			BEGIN IMMEDIATE;
			UPDATE account SET balance = balance - $i WHERE id % 61 = $i;
			UPDATE account SET balance = balance + $i WHERE id % 61 = ($i + 1) % 61;
			INSERT INTO log VALUES($i, $i + 1, $i * $i);
		END
		if [ $((i % 5)) = 0 ]; then echo "ROLLBACK;"; else echo "COMMIT;"; fi
	done
	cat <<-END
		UPDATE account SET balance = -1 WHERE id = 3;
		SELECT count(*), sum(balance) FROM account;
		SELECT group_concat(a || ':' || amount) FROM log;
		SELECT substr(owner, 1, 7), count(*), avg(balance), total(balance * id) FROM account GROUP BY 1 ORDER BY 1;
		DELETE FROM account WHERE id % 3 = 0;
		VACUUM;
		PRAGMA integrity_check;
		PRAGMA wal_checkpoint(TRUNCATE);
		SELECT hex(group_concat(owner, '')) LIKE '%6F776E6572%', sum(id * balance) FROM account;
	END
}

workload DELETE >"$input"
compare rollback_journal -- sqlite3 data.db
workload WAL >"$input"
watched write_ahead_log -- sqlite3 data.db
compare all_threads --follow -- sqlite3 data.db
# A database in memory, and a statement that is attached while it runs.
echo "WITH RECURSIVE n(i, x) AS (SELECT 1, 7 UNION ALL SELECT i + 1, (x * 48271) % 2147483647 FROM n WHERE i < 3000000)
	SELECT max(x), sum(x), count(DISTINCT x % 1000) FROM n;" >"$input"
compare memory -- sqlite3 :memory:
gate_delay=0.3
attached memory -- sqlite3 :memory:
finish "sqlite3 gives what it gives natively"
