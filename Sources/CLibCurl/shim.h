#ifndef POOLGATE_CLIBCURL_SHIM_H
#define POOLGATE_CLIBCURL_SHIM_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stddef.h>

// Swift cannot call variadic C functions: one typed wrapper for each kind of argument.

static inline CURLcode poolgate_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text, except that of CURLOPT_POSTFIELDS.
static inline CURLcode poolgate_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode poolgate_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode poolgate_curl_set_headers(CURL *easy, struct curl_slist *headers) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

typedef size_t (*poolgate_curl_receive)(char *bytes, size_t size, size_t count, void *context);

// What receives the body (CURLOPT_WRITEFUNCTION) or the head's lines (CURLOPT_HEADERFUNCTION).
static inline CURLcode poolgate_curl_set_receiver(CURL *easy, CURLoption option, poolgate_curl_receive receiver) {
    return curl_easy_setopt(easy, option, receiver);
}

// Copies the body of a POST.
static inline CURLcode poolgate_curl_set_post_body(CURL *easy, const void *bytes, size_t count) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    if (code != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

// Nothing but https, or nothing but plain http.
static inline CURLcode poolgate_curl_set_only_protocol(CURL *easy, int plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
}

// Since 7.87 a handle with a stuck resolver thread can be removed without joining that thread.
static inline CURLcode poolgate_curl_set_quick_exit(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
    return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)easy;
    return CURLE_OK;
#endif
}

static inline CURLcode poolgate_curl_set_tls_1_2(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static inline CURLcode poolgate_curl_set_http_1_1(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

// libcurl takes a certificate's common name for a host name where it names no host otherwise, which RFC 9110 4.3.4
// forbids. So a chain is good only if its first certificate has a DNS name or an address among its alternative names;
// whether one of them is the host's, libcurl looks at itself.
static inline int poolgate_verify_named_certificate(X509_STORE_CTX *store, void *unused) {
    (void)unused;
    if (X509_verify_cert(store) != 1) return 0;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    GENERAL_NAMES *names =
        certificate ? (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
    int found = 0;
    for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
        int type = sk_GENERAL_NAME_value(names, index)->type;
        if (type == GEN_DNS || type == GEN_IPADD) found = 1;
    }
    GENERAL_NAMES_free(names);
    if (!found) X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return found;
}

static inline CURLcode poolgate_curl_prepare_tls(CURL *easy, void *context, void *unused) {
    (void)easy, (void)unused;
    SSL_CTX_set_cert_verify_callback((SSL_CTX *)context, poolgate_verify_named_certificate, NULL);
    return CURLE_OK;
}

static inline CURLcode poolgate_curl_set_only_named_certificates(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, poolgate_curl_prepare_tls);
}

static inline CURLcode poolgate_curl_status(CURL *easy, long *status) {
    return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
}

// Microseconds until the phase ended, 0 when it never did.
static inline CURLcode poolgate_curl_time(CURL *easy, CURLINFO info, curl_off_t *microseconds) {
    return curl_easy_getinfo(easy, info, microseconds);
}

static inline CURLMcode poolgate_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The next transfer that ended, or NULL.
static inline CURL *poolgate_curl_multi_ended(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

static inline CURLcode poolgate_curl_global_init(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}

#endif
