#include "index/stop_point.hpp"

#include "core/stop_point.hpp"

#ifdef MEDVEC_STOP_POINTS

#include "pg/index.hpp"

namespace medvec {

void (*stop_point)(const char* name) = nullptr;

namespace index {

namespace {

char* stop_points = nullptr;
int insert_level = -1;

constexpr int kMaxPoints = 16;
struct {
  char name[40];
  int at, passed;  // at 0: always
} points[kMaxPoints];
int point_count = 0;

void Assign(const char* value, void*) {
  point_count = 0;
  for (const char* p = value; *p != '\0' && point_count < kMaxPoints;) {
    const size_t length = strcspn(p, ","), name = Min(strcspn(p, ":,"), sizeof points[0].name - 1);
    auto& point = points[point_count++];
    memcpy(point.name, p, name);
    point.name[name] = '\0';
    point.at = p[name] == ':' ? atoi(p + name + 1) : 0;
    point.passed = 0;
    p += length;
    if (*p == ',') ++p;
  }
}

void Stop(const char* name) {
  for (int i = 0; i < point_count; ++i) {
    if (strcmp(points[i].name, name) != 0) continue;
    if (++points[i].passed != points[i].at && points[i].at != 0) continue;
    const int32 key = static_cast<int32>(
        DatumGetUInt32(hash_any(reinterpret_cast<const unsigned char*>(name), static_cast<int>(strlen(name)))));
    const uint64 wide = static_cast<uint64>(int64{key});
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(wide >> 32), static_cast<uint32>(wide), 1);
    LockAcquire(&tag, ShareLock, false, false);
    LockRelease(&tag, ShareLock, false);
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

int LevelForTest(int drawn) { return insert_level < 0 ? drawn : insert_level; }

void DefineStopPoints() {
  DefineCustomIntVariable("medvec.insert_level", "The level of nodes that this session inserts; -1: by chance.",
                          nullptr, &insert_level, -1, -1, 7, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("medvec.stop_points", "Where this session waits for an advisory lock.", nullptr,
                             &stop_points, "", PGC_USERSET, 0, nullptr, Assign, nullptr);
  stop_point = Stop;
}

}  // namespace index
}  // namespace medvec

#else

namespace medvec::index {
void DefineStopPoints() {}
}  // namespace medvec::index

#endif
