//===- Options.cpp - the command line of an executable -----------------------===//

#include "ftc/Runtime/Run/Options.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace ftc::run {

static Status addPath(Options &options, const std::string &assignment) {
  size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == assignment.size())
    return makeError(ExitStatus::Usage, "--set {}: expected BINDING=PATH", quote(assignment));
  options.paths[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  return Status::success();
}

Expected<std::optional<Options>> parseOptions(int argc, const char *const *argv, const std::string &recipe) {
  Options options;
  std::vector<std::string> assignments;
  CLI::App app("Performs the recipe '" + recipe + "', which ftc compiled. Started again, it goes on where it was.");
  app.set_help_flag("-h,--help", "Print this and exit");
  app.add_option("--out", options.out, "Folder of the run (default: runs/" + recipe + ")")->type_name("DIR");
  app.add_option("--outputs", options.outputs, "Where relative paths of 'save' lead (default: the recipe's folder)")
      ->type_name("DIR");
  app.add_option("--threads", options.threads, "Number of threads (default: one for each processor)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--seed", options.seed, "Replaces every seed of the recipe")->type_name("N");
  app.add_flag("--fresh", options.fresh, "Begin anew: forget what the folder holds");
  app.add_option("--stop-after", options.stopAfter, "Checkpoint and stop after so many updates of training")
      ->type_name("STEPS")
      ->check(CLI::PositiveNumber);
  app.add_flag("--profile", options.profile, "Print what each kernel takes; DIR/trace.json shows the first calls");
  app.add_flag("--json", options.json, "Print one JSON object a line");
  app.add_flag("--quiet", options.quiet, "Print errors only");
  app.add_option("--set", assignments, "Read what BINDING loads from another place")
      ->type_name("BINDING=PATH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    std::fputs(app.help().c_str(), stdout);
    return std::optional<Options>();
  } catch (const CLI::ParseError &error) {
    return makeError(ExitStatus::Usage, "{} (--help lists the options)", error.what());
  }
  for (const std::string &assignment : assignments)
    if (Status status = addPath(options, assignment); !status)
      return status.error();
  return std::optional<Options>(std::move(options));
}

} // namespace ftc::run
