// Door to the binary protocol: message buffers and byte order.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
}
