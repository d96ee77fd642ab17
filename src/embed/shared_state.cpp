#include "embed/shared_state.hpp"

#include <unistd.h>

#include "embed/settings.hpp"

namespace medvec::embed {

static SharedState* attached = nullptr;

SharedState* Shared() {
  if (attached != nullptr) return attached;
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  auto* state = static_cast<SharedState*>(ShmemInitStruct("medvec embedder", sizeof(SharedState), &found));
  if (!found) {
    memset(state, 0, sizeof(*state));
    state->tranche = LWLockNewTrancheId();
    LWLockInitialize(&state->lock, state->tranche);
    ConditionVariableInit(&state->changed);
  }
  LWLockRelease(AddinShmemInitLock);
  LWLockRegisterTranche(state->tranche, "medvec_embedder");
  attached = state;
  return attached;
}

bool FindEmbedder(char (&path)[MAXPGPATH], char (&decoder_path)[MAXPGPATH]) {
  char directory[MAXPGPATH];
  if (settings::embedder_path[0] != '\0') {
    CopyString(path, settings::embedder_path);
  } else {
    CopyString(directory, my_exec_path);
    get_parent_directory(directory);
    snprintf(path, MAXPGPATH, "%s/medvec-embedder", directory);
  }
  CopyString(directory, path);
  get_parent_directory(directory);
  snprintf(decoder_path, MAXPGPATH, "%s/medvec-decoder", directory);
  return access(path, X_OK) == 0 && access(decoder_path, X_OK) == 0;
}

}  // namespace medvec::embed
