// Memory of the caller. In the server it is palloc, and any frame may be left by longjmp: nothing here has a destructor
// that matters, and what is not released explicitly goes with the caller's memory context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace medvec::hnsw {

struct Memory {
  void* (*allocate)(void* context, size_t size);  // never null: who cannot give memory does not return
  void (*release)(void* context, void* memory);
  void* context;

  template <class T>
  T* Allocate(size_t count) const {
    return static_cast<T*>(allocate(context, count * sizeof(T)));
  }
  void Release(void* memory) const {
    if (memory != nullptr) release(context, memory);
  }
};

// A growing array of trivially copyable elements.
template <class T>
struct Array {
  T* data = nullptr;
  size_t size = 0, capacity = 0;

  void Reserve(const Memory& memory, size_t wanted) {
    if (wanted <= capacity) return;
    const size_t grown = wanted > 2 * capacity ? wanted : 2 * capacity;
    T* moved = memory.Allocate<T>(grown);
    if (size > 0) std::memcpy(moved, data, size * sizeof(T));
    memory.Release(data);
    data = moved, capacity = grown;
  }
  void Append(const Memory& memory, const T& value) {
    if (size == capacity) Reserve(memory, size + 1);
    data[size++] = value;
  }
  void Free(const Memory& memory) {
    memory.Release(data);
    *this = {};
  }
  T& operator[](size_t i) { return data[i]; }
  const T& operator[](size_t i) const { return data[i]; }
  T* begin() { return data; }
  T* end() { return data + size; }
};

// What a walk knows of a node: open addressing, doubled when half full. Nothing is ever taken out.
class NodeMap {
 public:
  struct Slot {
    uint32_t node;
    uint32_t key;    // its place in the beam
    float estimate;  // of its distance
    float variance;  // of the estimate's error
  };

  void Reset(const Memory& memory, size_t expected) {
    size_t wanted = 64;
    while (wanted < 2 * expected) wanted *= 2;
    if (wanted > capacity_ || capacity_ > 8 * wanted) {
      memory.Release(slots_);
      slots_ = memory.Allocate<Slot>(wanted);
      capacity_ = wanted;
    }
    Clear();
  }
  void Free(const Memory& memory) {
    memory.Release(slots_);
    slots_ = nullptr, capacity_ = 0;
  }

  // The slot of `node`, or null. Valid until the next Put.
  Slot* Get(uint32_t node) {
    Slot& slot = Find(node);
    return slot.node == kEmpty ? nullptr : &slot;
  }
  // Puts in a node that is not there.
  void Put(const Memory& memory, const Slot& slot) {
    if (2 * ++used_ > capacity_) Grow(memory);
    Find(slot.node) = slot;
  }
  // Calls each(slot) for all nodes.
  template <class Each>
  void ForAll(Each each) const {
    for (size_t i = 0; i < capacity_; ++i)
      if (slots_[i].node != kEmpty) each(slots_[i]);
  }

 private:
  static constexpr uint32_t kEmpty = 0xffffffff;  // kNoNode

  void Clear() {
    std::memset(slots_, 0xff, capacity_ * sizeof(Slot));
    used_ = 0;
  }
  Slot& Find(uint32_t node) {
    size_t i = (node * 0x9e3779b1u) >> 7 & (capacity_ - 1);
    while (slots_[i].node != node && slots_[i].node != kEmpty) i = (i + 1) & (capacity_ - 1);
    return slots_[i];
  }
  void Grow(const Memory& memory) {
    Slot* old = slots_;
    const size_t old_capacity = capacity_;
    capacity_ *= 2;
    slots_ = memory.Allocate<Slot>(capacity_);
    const size_t used = used_;
    Clear();
    for (size_t i = 0; i < old_capacity; ++i)
      if (old[i].node != kEmpty) Find(old[i].node) = old[i];
    used_ = used;
    memory.Release(old);
  }

  Slot* slots_ = nullptr;
  size_t capacity_ = 0, used_ = 0;
};

}  // namespace medvec::hnsw
