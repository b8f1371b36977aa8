//===- Diagnostics.h - errors in the reader's language ---------*- C++ -*-===//
//
// Every message is one line of Diagnostics.def: a stable code, a severity and a
// text with {0} {1} ... for arguments. The engine prints them with a caret, the
// range, notes at other places, and the nearest valid spelling.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_FRONTEND_DIAGNOSTICS_H
#define FTC_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SMLoc.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace ftc {

enum class Severity { Error, Warning };

/// One enumerator for each line of Diagnostics.def; its number is the stable code, printed as FTR0123.
enum class Diag : unsigned {
#define FTC_DIAG(NUMBER, NAME, SEVERITY, TEXT) NAME = NUMBER,
#include "ftc/Frontend/Diagnostics.def"
};

/// A message with its notes, collected before printing.
struct Message {
  Diag code;
  Severity severity;
  llvm::SMRange range;
  std::string text;
  struct Note {
    llvm::SMRange range;
    std::string text;
  };
  std::vector<Note> notes;
};

/// Collects messages about the files of one SourceMgr; prints each once, in source order, when flushed or destroyed.
class Diagnostics {
public:
  /// A message under construction: `diags.report(Diag::UnknownKey, range, key).note(other, "first given here")`.
  class Builder {
  public:
    Builder &note(llvm::SMRange range, const llvm::Twine &text);
    /// A note without a place: what to do about it.
    Builder &help(const llvm::Twine &text);
    /// "did you mean 'x'?" if one of the candidates is near to what was written.
    Builder &nearest(llvm::StringRef written, llvm::ArrayRef<llvm::StringRef> candidates);

  private:
    friend class Diagnostics;
    Builder(Diagnostics &engine, size_t index) : engine(engine), index(index) {}
    Diagnostics &engine;
    size_t index;
  };

  explicit Diagnostics(llvm::SourceMgr &sources, llvm::raw_ostream &out = llvm::errs());
  ~Diagnostics();

  template <typename... Args> Builder report(Diag code, llvm::SMRange range, Args &&...args) {
    return add(code, range, llvm::formatv(format(code), std::forward<Args>(args)...).str());
  }

  unsigned errorCount() const { return errors; }
  /// Errors beyond this number are counted, not kept.
  static constexpr unsigned maxMessages = 50;
  const std::vector<Message> &messages() const { return pending; }
  void flush();
  llvm::SourceMgr &sourceManager() { return sources; }

private:
  static const char *format(Diag code);
  Builder add(Diag code, llvm::SMRange range, std::string text);

  llvm::SourceMgr &sources;
  llvm::raw_ostream &out;
  std::vector<Message> pending;
  unsigned errors = 0;
  unsigned printed = 0; ///< errors that earlier flushes have accounted for
};

/// The candidate nearest to what was written, by edit distance; empty if none is near.
std::string nearestSpelling(llvm::StringRef written, llvm::ArrayRef<llvm::StringRef> candidates);

/// "FTR0123"
std::string codeName(Diag code);

} // namespace ftc

#endif // FTC_FRONTEND_DIAGNOSTICS_H
