#ifndef POOLGATE_CNGHTTP2_SHIM_H
#define POOLGATE_CNGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

// Swift sees a union as one field of it at a time; what is needed of a frame is asked for here.
static inline int32_t poolgate_frame_stream(const nghttp2_frame *frame) { return frame->hd.stream_id; }
static inline uint8_t poolgate_frame_type(const nghttp2_frame *frame) { return frame->hd.type; }
static inline uint8_t poolgate_frame_flags(const nghttp2_frame *frame) { return frame->hd.flags; }
static inline size_t poolgate_frame_length(const nghttp2_frame *frame) { return frame->hd.length; }
static inline size_t poolgate_frame_padding(const nghttp2_frame *frame) { return frame->data.padlen; }
static inline int poolgate_headers_category(const nghttp2_frame *frame) { return frame->headers.cat; }
static inline uint32_t poolgate_reset_code(const nghttp2_frame *frame) { return frame->rst_stream.error_code; }
static inline uint32_t poolgate_goaway_code(const nghttp2_frame *frame) { return frame->goaway.error_code; }
static inline int32_t poolgate_goaway_last_stream(const nghttp2_frame *frame) { return frame->goaway.last_stream_id; }

#endif
