//===- References.h - what other models say of the data ----------------------===//
//
// An objective may compare the policy with a model that no step of the training changes. What that model gives the
// labels of the data is found once, before the first step, and kept: in memory for the run, in a file for one that goes
// on.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Steps.h"

namespace ftc::run {

class References {
public:
  References(Session &session, const Step &step, const TrainStep &train, const data::RecordStore &records);

  /// Reads the values from the file that an interrupted run has left, or runs the program on the whole data set.
  Expected<Outcome> prepare();
  /// Fills the inputs for rows `micro * shape.micro` ... of a batch.
  void fill(const data::RecordBatch &batch, int64_t micro);
  /// Removes the file.
  void remove() const;

private:
  /// The values of one reference: an element for each token of its text.
  struct Values {
    const Reference *reference;
    size_t text;
    ElementType type;
    std::vector<std::byte> bytes;
  };

  bool read();
  Expected<Outcome> compute();
  void keep(const data::RecordBatch &batch, int64_t micro);
  Status write() const;

  Session &session;
  const Step &step;
  const TrainStep &train;
  const data::RecordStore &records;
  std::string path;
  std::vector<Values> all;
};

} // namespace ftc::run
