//===- PairTable.h - merges by their pair -----------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_PAIRTABLE_H
#define FTC_RUNTIME_TEXT_PAIRTABLE_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ftc::runtime::text {

/// A pair of tokens that may be merged: the lower the rank, the sooner.
struct Merge {
  int32_t rank;
  int32_t result;
};

/// A hash table with open addressing, because looking up pairs is what encoding spends its time on.
class PairTable {
public:
  /// Adds a merge; one of the same pair is replaced.
  void insert(int32_t left, int32_t right, Merge merge) {
    if (2 * (used + 1) > slots.size())
      grow();
    Slot &slot = slots[place(keyOf(left, right))];
    used += slot.key == none;
    slot = {keyOf(left, right), merge};
  }

  /// The merge of a pair of ids that are not negative, or null.
  const Merge *find(int32_t left, int32_t right) const {
    if (slots.empty())
      return nullptr;
    const Slot &slot = slots[place(keyOf(left, right))];
    return slot.key == none ? nullptr : &slot.merge;
  }

private:
  /// No pair: ids are not negative.
  static constexpr uint64_t none = UINT64_MAX;
  struct Slot {
    uint64_t key = none;
    Merge merge{};
  };

  static uint64_t keyOf(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }

  /// The slot of a key, or the empty one where it belongs.
  size_t place(uint64_t key) const {
    size_t mask = slots.size() - 1;
    // Fibonacci hashing: the high bits of the product depend on all bits of the key.
    size_t at = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (slots[at].key != none && slots[at].key != key)
      at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old = std::move(slots);
    slots = std::vector<Slot>(old.empty() ? 64 : 2 * old.size());
    for (const Slot &slot : old)
      if (slot.key != none)
        slots[place(slot.key)] = slot;
  }

  std::vector<Slot> slots; // a power of two, at most half used
  size_t used = 0;
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_PAIRTABLE_H
