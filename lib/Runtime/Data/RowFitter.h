//===- RowFitter.h - which row a document goes into -------------*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_ROWFITTER_H
#define FTC_RUNTIME_DATA_ROWFITTER_H

#include <cstdint>
#include <vector>

namespace ftc::runtime::data {

/// First-fit bin packing in O(log n) an item: a tree over the rows that knows the most room left below each node.
class RowFitter {
public:
  /// At most `items` will be placed, in rows of `capacity` tokens.
  RowFitter(int64_t items, int64_t capacity);

  /// Puts an item of 1 to `capacity` tokens into the first row that has room; returns the row's number.
  int64_t place(int64_t length);

private:
  int64_t leaves = 1;
  std::vector<int64_t> room; // node i has the children 2i and 2i + 1, the rows begin at `leaves`
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_ROWFITTER_H
