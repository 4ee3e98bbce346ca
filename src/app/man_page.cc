#include "app/man_page.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "app/version.h"

namespace weir::app {
namespace {

// A character beyond ASCII as roff names it, from the first byte of its UTF-8 on, which is valid.
std::string named(const std::string& text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  unsigned code = lead & (0x3fu >> more);
  for (int i = 0; i < more; ++i) code = code << 6 | (static_cast<unsigned char>(text[++at]) & 0x3fu);
  char out[16];
  std::snprintf(out, sizeof out, "\\[u%04X]", code);
  return out;
}

// Text that is nothing else to roff: no escape, no request at the start of a line, hyphens that can be copied.
std::string roff(const std::string& text) {
  std::string out;
  bool begins = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      out += named(text, i);
    } else {
      out += c;
    }
    begins = c == '\n';
  }
  return out;
}

// As it is written, with its own lines.
std::string verbatim(const std::string& text) {
  const size_t first = text.find_first_not_of('\n');
  if (first == std::string::npos) return "";
  return ".PP\n.nf\n" + roff(text.substr(first)) + "\n.fi\n";
}

std::string option_page(const CLI::Option& option) {
  std::string names = option.get_positional() && option.get_lnames().empty() && option.get_snames().empty() ? "\\fI" + roff(option.get_name(true)) + "\\fR" : "";
  const auto add = [&names](const std::string& name) { names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR"); };
  for (const std::string& name : option.get_snames()) add("-" + name);
  for (const std::string& name : option.get_lnames()) add("--" + name);
  std::string about = option.get_description();
  if (!option.get_default_str().empty()) about += (about.empty() ? "" : " ") + std::string("(default: ") + option.get_default_str() + ")";
  return ".TP\n" + names + "\n" + roff(about) + "\n";
}

std::string usage(const CLI::App& command, const std::string& path) {
  std::string out = "\\fB" + roff(path) + "\\fR";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = "\\fI" + roff(option->get_name(true)) + "\\fR";
    out += option->get_required() ? " " + name : " [" + name + "]";
  }
  if (!command.get_subcommands({}).empty()) out += " \\fICOMMAND\\fR";
  return out + " [\\fIoptions\\fR]\n";
}

void command_pages(const CLI::App& app, const std::string& path, std::string& out) {
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_group().empty()) continue;  // for the program itself
    const std::string name = path + " " + sub->get_name();
    out += ".SS \"" + roff(name) + "\"\n" + usage(*sub, name) + ".PP\n" + roff(sub->get_description()) + ".\n";
    for (const CLI::Option* option : sub->get_options()) {
      if (option != sub->get_help_ptr()) out += option_page(*option);
    }
    out += verbatim(sub->get_footer());
    command_pages(*sub, name, out);
  }
}

}  // namespace

std::string man_page(const CLI::App& app) {
  std::string out = ".TH WEIR 1 \"\" \"weir " + std::string(kVersion) + "\" \"Weir manual\"\n"
                    ".SH NAME\nweir \\- place work where it runs best, and lead its traffic there\n"
                    ".SH SYNOPSIS\n" + usage(app, "weir") +
                    ".SH DESCRIPTION\n" + roff(app.get_description()) + "\n"
                    ".PP\nEvery command has \\fB\\-\\-help\\fR. Errors go to standard error, and say what was wrong, where, and what to do.\n"
                    ".SH COMMANDS\n";
  command_pages(app, "weir", out);
  return out + ".SH EXAMPLES AND EXIT STATUS\n" + verbatim(app.get_footer());
}

}  // namespace weir::app
