#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
# openssl: digests, ciphers (its assembler uses every vector unit the CPU has), deterministic signatures.
. selftests/apps/lib.sh
need openssl openssl awk mawk
compare_files
data=$work/data
awk 'BEGIN { x = 7; for (i = 0; i < 400000; i++) { x = (x * 1103515245 + 12345) % 2147483648; print x } }' >"$data"
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
iv=00112233445566778899aabbccddeeff

for digest in md5 sha1 sha256 sha512 sha3-256 blake2b512 sm3; do
	compare $digest -- openssl dgst -$digest "$data"
done
compare hmac -- openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" "$data"
for cipher in aes-256-cbc aes-256-ctr chacha20 camellia-256-cbc aria-256-ctr; do
	compare $cipher -- openssl enc -$cipher -K $key -iv $iv -in "$data" -out encrypted
done
compare decrypt -- openssl enc -d -aes-256-cbc -K $key -iv $iv -in "$work/aes-256-cbc.native/encrypted" -out decrypted
cmp -s "$work/decrypt.native/decrypted" "$data" || verdict decrypt "the decrypted file isn't the original one"
compare pbkdf2 -- openssl enc -aes-256-cbc -pbkdf2 -iter 100000 -S 0011223344556677 -pass pass:secret -in "$data" -out encrypted
compare base64 -- openssl enc -base64 -in "$data" -out encoded
compare prime -- openssl prime 170141183460469231731687303715884105727 170141183460469231731687303715884105729
compare kdf -- openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:secret -kdfopt salt:salt -kdfopt iter:50000 PBKDF2

# RSA (PKCS #1 v1.5) and Ed25519 signatures hold no random part; the keys are made natively.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/rsa.pem" 2>/dev/null
openssl genpkey -algorithm ED25519 -out "$work/ed25519.pem" 2>/dev/null
openssl pkey -in "$work/rsa.pem" -pubout -out "$work/rsa.pub"
head -c 4000 "$data" >"$work/message"
compare rsa_sign -- openssl dgst -sha256 -sign "$work/rsa.pem" -out signature "$data"
compare rsa_verify -- openssl dgst -sha256 -verify "$work/rsa.pub" -signature "$work/rsa_sign.native/signature" "$data"
compare rsa_refuse -- openssl dgst -sha256 -verify "$work/rsa.pub" -signature "$work/rsa_sign.native/signature" "$work/message"
compare ed25519 -- openssl pkeyutl -sign -rawin -inkey "$work/ed25519.pem" -in "$work/message" -out signature
compare rsa_text -- openssl pkey -in "$work/rsa.pem" -noout -text
compare certificate -- openssl req -x509 -key "$work/rsa.pem" -subj /CN=test -set_serial 1 -days 1 -noout -modulus

# Fresh keys are random; what must hold is that they work.
compare genpkey -- sh -c 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -noout -check'
watched slow -- openssl enc -aes-256-cbc -pbkdf2 -iter 3000000 -S 0011223344556677 -pass pass:secret -in "$work/message" -out encrypted
gate_delay=0.3
attached slow -- openssl enc -aes-256-cbc -pbkdf2 -iter 3000000 -S 0011223344556677 -pass pass:secret -in "$work/message" -out encrypted
finish "openssl gives what it gives natively"
