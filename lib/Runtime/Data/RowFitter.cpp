#include "RowFitter.h"

#include <algorithm>

namespace ftc::runtime::data {

RowFitter::RowFitter(int64_t items, int64_t capacity) {
  while (leaves < items)
    leaves *= 2;
  room.assign(static_cast<size_t>(2 * leaves), capacity);
}

int64_t RowFitter::place(int64_t length) {
  size_t node = 1;
  while (node < static_cast<size_t>(leaves))
    node = 2 * node + (room[2 * node] >= length ? 0 : 1);
  int64_t row = static_cast<int64_t>(node) - leaves;
  room[node] -= length;
  for (node /= 2; node > 0; node /= 2)
    room[node] = std::max(room[2 * node], room[2 * node + 1]);
  return row;
}

} // namespace ftc::runtime::data
