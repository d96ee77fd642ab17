// Every difference between the server versions medvec builds on (15, 17, 18), each with version and reason. No other
// file asks for PG_VERSION_NUM.
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"  // 16 brought soft errors: input functions that report instead of raise
#include "varatt.h"           // 16 moved the varlena macros out of postgres.h
#endif
}

#if PG_VERSION_NUM < 160000
#define errsave(context, ...)    \
  do {                           \
    (void)(context);             \
    ereport(ERROR, __VA_ARGS__); \
  } while (0)
#endif

// 16 renamed a relation's file from "file node" to "file number" and "file locator".
#if PG_VERSION_NUM >= 160000
#define RelationFileLocator(relation) ((relation)->rd_locator)
#define RelationFileNumber(relation) ((relation)->rd_locator.relNumber)
#define RelationTablespace(relation) ((relation)->rd_locator.spcOid)
#define RelationNewFileSubid(relation) ((relation)->rd_newRelfilelocatorSubid)
#else
#define RelFileNumber Oid
#define InvalidRelFileNumber InvalidOid
#define RelationFileLocator(relation) ((relation)->rd_node)
#define RelationFileNumber(relation) ((relation)->rd_node.relNode)
#define RelationTablespace(relation) ((relation)->rd_node.spcNode)
#define RelationNewFileSubid(relation) ((relation)->rd_newRelfilenodeSubid)
#endif

// 18 counts index scans for EXPLAIN: index_beginscan takes where to. For callers with access/genam.h.
#if PG_VERSION_NUM >= 180000
#define BeginIndexScan(heap, index, snapshot, nkeys) index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define BeginIndexScan(heap, index, snapshot, nkeys) index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

// 17 lets an access method say that its build uses parallel workers; before, core asks for the name btree. For callers
// with access/amapi.h.
#if PG_VERSION_NUM >= 170000
#define SetCanBuildParallel(routine) ((routine)->amcanbuildparallel = true)
#else
#define SetCanBuildParallel(routine) ((void)(routine))
#endif

// Before 17 core makes no ordered path of an index with a condition = ANY on a column but the first, before 16 none
// with a boolean column of an access method it does not know. See index/path.hpp.
#if PG_VERSION_NUM < 170000
#define MEDVEC_COMPLETE_PATHS
#endif

// 18 counts disabled nodes instead of adding a large cost. For callers with nodes/pathnodes.h.
#if PG_VERSION_NUM >= 180000
#define DisablePath(path) ((path)->disabled_nodes = 2)
#define AddDisabledNodes(path, child) ((path)->disabled_nodes += (child)->disabled_nodes)
#else
#define DisablePath(path) ((void)(path))
#define AddDisabledNodes(path, child) ((void)(path), (void)(child))
#endif

// 18 tells ANALYZE from VACUUM here. For callers with commands/vacuum.h.
#if PG_VERSION_NUM >= 180000
#define VacuumDelayPoint() vacuum_delay_point(false)
#else
#define VacuumDelayPoint() vacuum_delay_point()
#endif

// 16 made one function of the ownership checks of all kinds of objects. For callers with utils/acl.h.
#if PG_VERSION_NUM >= 160000
#define OwnsRelation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#else
#define OwnsRelation(relation, role) pg_class_ownercheck(relation, role)
#endif

// 17 brought the privilege MAINTAIN, and code of other users that runs in maintenance commands sees a safe search_path
// alone. For callers with utils/acl.h and utils/guc.h.
#if PG_VERSION_NUM >= 170000
#define HasMaintain(relation, role) (pg_class_aclcheck(relation, role, ACL_MAINTAIN) == ACLCHECK_OK)
#else
#define HasMaintain(relation, role) ((void)(relation), (void)(role), false)
#define RestrictSearchPath() ((void)0)
#endif

// 18 has an iterator of its own for the bitmap of one process, and gives a page's offsets on demand. NextBitmapPage is
// false at the end; it fills `offsets` (room for `most`), and sets `count` to -1 where all of the page counts. For
// callers with nodes/tidbitmap.h.
#if PG_VERSION_NUM >= 180000
#define BitmapIterator TBMPrivateIterator
#define BeginBitmapIteration(bitmap) tbm_begin_private_iterate(bitmap)
#define EndBitmapIteration(iterator) tbm_end_private_iterate(iterator)
#define NextBitmapPage(iterator, block, offsets, most, count)                 \
  [&] {                                                                       \
    TBMIterateResult page;                                                    \
    if (!tbm_private_iterate(iterator, &page)) return false;                  \
    block = page.blockno;                                                     \
    count = page.lossy ? -1 : tbm_extract_page_tuple(&page, offsets, (most)); \
    return true;                                                              \
  }()
#else
#define BitmapIterator TBMIterator
#define BeginBitmapIteration(bitmap) tbm_begin_iterate(bitmap)
#define EndBitmapIteration(iterator) tbm_end_iterate(iterator)
#define NextBitmapPage(iterator, block, offsets, most, count)                                                      \
  [&] {                                                                                                            \
    const TBMIterateResult* page = tbm_iterate(iterator);                                                          \
    if (page == nullptr) return false;                                                                             \
    block = page->blockno;                                                                                         \
    count = page->ntuples;                                                                                         \
    if (count > 0) memcpy(offsets, page->offsets, sizeof(OffsetNumber) * static_cast<size_t>(Min(count, (most)))); \
    return true;                                                                                                   \
  }()
#endif

// 18 lets extensions add to what EXPLAIN says of a node.
#if PG_VERSION_NUM >= 180000
#define MEDVEC_EXPLAIN_HOOK
#endif

#include "pg/export.hpp"

// The magic block, exported (see export.hpp). 18 lets a module name itself and its version for pg_get_loaded_modules().
#if PG_VERSION_NUM >= 180000
#define MEDVEC_MODULE_MAGIC                                            \
  extern "C" MEDVEC_EXPORT const Pg_magic_struct* Pg_magic_func(void); \
  PG_MODULE_MAGIC_EXT(.name = "medvec", .version = MEDVEC_VERSION)
#else
#define MEDVEC_MODULE_MAGIC                                            \
  extern "C" MEDVEC_EXPORT const Pg_magic_struct* Pg_magic_func(void); \
  PG_MODULE_MAGIC
#endif
