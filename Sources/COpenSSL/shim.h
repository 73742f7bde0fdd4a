#ifndef POOLGATE_COPENSSL_SHIM_H
#define POOLGATE_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

// The selection of a public key is a sum of macros, which Swift does not import.
enum { POOLGATE_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY };

// Refuses to ask anybody for a key's password: without a function of ours, OpenSSL asks on the terminal.
static inline int poolgate_no_password(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

#endif
