#pragma once
#include <curl/curl.h>

/* Swift cannot call variadic C functions: one typed wrapper for each kind of argument. */
static inline CURLcode palaver_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode palaver_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode palaver_curl_set_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode palaver_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
typedef size_t (*palaver_curl_data_callback)(char *, size_t, size_t, void *);
static inline CURLcode palaver_curl_set_data_callback(CURL *handle, CURLoption option, palaver_curl_data_callback value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode palaver_curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode palaver_curl_get_pointer(CURL *handle, CURLINFO info, void **value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLMcode palaver_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
/* How libcurl says which sockets to watch and when to look at its timeouts; both callbacks get `context`. */
static inline void palaver_curl_multi_set_callbacks(
    CURLM *multi, curl_socket_callback watch, curl_multi_timer_callback set_timer, void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}
/* A macro with a cast, which Swift does not see. */
static const curl_socket_t palaver_curl_socket_timeout = CURL_SOCKET_TIMEOUT;
