// Door to the bitmaps of heap tuples that index scans give.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup_details.h"
#include "nodes/tidbitmap.h"
#include "port/pg_bitutils.h"
}
