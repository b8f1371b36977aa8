//===- Place.cpp - ftc place FILE.csv --capacity N -------------------------===//
//
// Static memory placement by itself, on the instances of google/minimalloc: a CSV file with the columns id, lower,
// upper and size, a buffer a line, alive in [lower, upper). The same file with a column `offset` is printed.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "ftc/Runtime/Core/File.h"
#include "ftc/Target/OffsetSearch.h"

using namespace ftc;
namespace cl = llvm::cl;

static int place(const char *argv0);
static Command command("place", "Offsets for buffers with known lifetimes (FILE.csv: id,lower,upper,size)", place);
static cl::opt<std::string> path(cl::Positional, cl::desc("FILE.csv"), cl::sub(command.sub()),
                                 cl::cat(optionCategory()));
static cl::opt<int64_t> capacity("capacity", cl::desc("Size of the memory, in the file's unit"), cl::value_desc("n"),
                                 cl::init(0), cl::sub(command.sub()), cl::cat(optionCategory()));

namespace {
struct Table {
  llvm::SmallVector<llvm::StringRef> lines;
  std::vector<target::Interval> buffers; ///< of the lines but the first
};
} // namespace

/// Largest number that a column may hold, so that sums of a file's sizes do not overflow.
static constexpr int64_t kLargest = int64_t(1) << 40;

static int refuse(size_t line, const llvm::Twine &problem) {
  llvm::errs() << "ftc: error: " << path << ":" << line << ": " << problem << "\n";
  return InputFileIsWrong;
}

static int readTable(llvm::StringRef text, Table &table) {
  text.split(table.lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef &line : table.lines)
    line = line.rtrim('\r');
  if (table.lines.empty() || table.lines.front() != "id,lower,upper,size")
    return refuse(1, "expected the header 'id,lower,upper,size'");
  for (size_t i = 1; i < table.lines.size(); ++i) {
    llvm::SmallVector<llvm::StringRef> fields;
    table.lines[i].split(fields, ',');
    target::Interval buffer;
    if (fields.size() != 4)
      return refuse(i + 1, "expected four columns, got " + llvm::Twine(fields.size()));
    for (auto [field, value] :
         {std::pair(fields[1], &buffer.lower), {fields[2], &buffer.upper}, {fields[3], &buffer.size}})
      if (field.getAsInteger(10, *value) || *value < 0 || *value > kLargest)
        return refuse(i + 1, "expected an integer from 0 to " + llvm::Twine(kLargest) + ", got '" + field + "'");
    table.buffers.push_back(buffer);
  }
  return Success;
}

static int place(const char *) {
  if (path.empty() || capacity < 1 || capacity > kLargest) {
    llvm::errs() << "ftc: error: usage: ftc place FILE.csv --capacity N, N from 1 to " << kLargest << "\n";
    return WrongUsage;
  }
  constexpr uint64_t mostBytes = 64 << 20;
  auto text = runtime::readFile(path, mostBytes);
  if (!text) {
    llvm::errs() << "ftc: error: " << text.error().message << "\n";
    return InputFileIsWrong;
  }
  Table table;
  if (int status = readTable(*text, table))
    return status;
  constexpr int64_t effort = 1'000'000'000;
  auto offsets = target::searchOffsets(table.buffers, capacity, effort);
  if (!offsets) {
    llvm::errs() << "ftc: error: " << path << ": no placement within " << capacity << " was found\n";
    return DoesNotFit;
  }
  llvm::outs() << table.lines.front() << ",offset\n";
  for (size_t i = 0; i < offsets->size(); ++i)
    llvm::outs() << table.lines[i + 1] << "," << (*offsets)[i] << "\n";
  return Success;
}
