// Named places where a test can make a process wait, to try what happens when others run meanwhile. Only in builds with
// MEDVEC_STOP_POINTS (make STOP_POINTS=yes); otherwise nothing is compiled. The caller holds no lock on a page.
#pragma once

#ifdef MEDVEC_STOP_POINTS
namespace medvec {
// Set when the library is loaded (index/stop_point.cpp); null in programs without a server.
extern void (*stop_point)(const char* name);
}  // namespace medvec
#define MEDVEC_STOP_POINT(name)                                      \
  do {                                                               \
    if (::medvec::stop_point != nullptr) ::medvec::stop_point(name); \
  } while (0)
#else
#define MEDVEC_STOP_POINT(name) static_cast<void>(0)
#endif
