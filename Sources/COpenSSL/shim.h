#ifndef POOLGATE_COPENSSL_SHIM_H
#define POOLGATE_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

// The selection of a public key is a sum of macros, which Swift does not import.
enum { POOLGATE_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY };

#endif
