/* SPDX-License-Identifier: Apache-2.0
 *
 * status.c - the library's version and the names of its status codes.
 */
#include "fovea/context.h"

const char *fv_version(void)
{
    return FVI_VERSION;
}

const char *fv_libraries(void)
{
    return "jansson"
#ifdef FVI_HAVE_YAML
           " libyaml"
#endif
#ifdef FVI_HAVE_ZLIB
           " zlib"
#endif
#ifdef FVI_HAVE_ARCHIVE
           " libarchive"
#endif
#ifdef FVI_HAVE_CURL
           " libcurl"
#endif
#ifdef FVI_HAVE_PNG
           " libpng"
#endif
#ifdef FVI_HAVE_JPEG
           " libjpeg"
#endif
#ifdef FVI_HAVE_EXIF
           " libexif"
#endif
#ifdef FVI_HAVE_ONNX
           " onnx"
#endif
        ;
}

const char *fv_status_name(fv_status status)
{
    switch (status) {
    case FV_OK:
        return "ok";
    case FV_ERR_ARGUMENT:
        return "argument error";
    case FV_ERR_SHAPE:
        return "shape error";
    case FV_ERR_MEMORY:
        return "out of memory";
    case FV_ERR_IO:
        return "input/output error";
    case FV_ERR_FORMAT:
        return "format error";
    case FV_ERR_NOT_FOUND:
        return "not found";
    case FV_ERR_UNSUPPORTED:
        return "unsupported";
    case FV_ERR_NUMERIC:
        return "numeric error";
    case FV_ERR_STATE:
        return "state error";
    case FV_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}
