#include "security/identity/context.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "security/identity/private_file.h"
#include "security/identity/test_folder.h"

namespace weir::identity {
namespace {

const std::string kFingerprint(64, 'a');
const std::string kToken = "weiru.0909090909090909.CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ";
const std::string kGood = R"(current = "lab"

[contexts.lab]
endpoint = "127.0.0.1:7443"
ca_fingerprint = ")" + kFingerprint +
                          R"("
token = ")" + kToken + R"("

[contexts.prod]
endpoint = "[fd00::1]:443"
ca_certificate = "/etc/weir/ca \"1\".crt"
)";

std::string error_of(const std::string& text) {
  const auto parsed = parse_contexts(text, "context.toml");
  return parsed ? "" : parsed.error().text();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(Contexts, AreReadAndWritten) {
  const auto contexts = parse_contexts(kGood, "context.toml");
  ASSERT_TRUE(contexts) << contexts.error().text();
  EXPECT_EQ(contexts->current, "lab");
  EXPECT_EQ(contexts->named.at("lab").token.reveal(), kToken);
  EXPECT_EQ(contexts->named.at("prod").ca_certificate, "/etc/weir/ca \"1\".crt");
  EXPECT_EQ(render_contexts(*contexts)->reveal(), kGood);
}

TEST(Contexts, AreKeptInAPrivateFile) {
  const TestFolder folder;
  const auto path = folder.path() / "config" / "weir" / "context.toml";
  EXPECT_TRUE(load_contexts(path)->named.empty()) << "a missing file is an empty set";
  const Contexts contexts = *parse_contexts(kGood, "x");
  ASSERT_TRUE(save_contexts(contexts, path));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(render_contexts(*load_contexts(path))->reveal(), kGood);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  const auto open = load_contexts(path);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::kDenied);
}

TEST(Contexts, ErrorsNameFileLineFieldAndRemedy) {
  EXPECT_EQ(error_of(replaced(kGood, "127.0.0.1:7443", "127.0.0.1")),
            "context.toml:4: contexts.lab.endpoint: is not HOST:PORT; e.g. \"127.0.0.1:7443\"");
  EXPECT_EQ(error_of(replaced(kGood, "endpoint", "endpont")),
            "context.toml:4: contexts.lab.endpont: is unknown; did you mean \"endpoint\"?");
  EXPECT_EQ(error_of(replaced(kGood, "endpoint", "brain")),
            "context.toml:4: contexts.lab.brain: is unknown; known are endpoint, ca_fingerprint, "
            "ca_certificate and token");
  EXPECT_EQ(error_of(replaced(kGood, "current = \"lab\"", "current = \"nowhere\"")),
            "context.toml:1: current: names no context of this file; there are: lab, prod");
  EXPECT_EQ(error_of(replaced(kGood, "current = \"lab\"", "curent = 1")),
            "context.toml:1: curent: is unknown; did you mean \"current\"?");
  EXPECT_EQ(error_of(replaced(kGood, "ca_fingerprint = \"", "ca_fingerprint = 1 #")),
            "context.toml:5: contexts.lab.ca_fingerprint: must be a text; write it in quotes: \"...\"");
  EXPECT_NE(
      error_of(replaced(kGood, "ca_certificate = ", "token = ")).find("context.toml:10: contexts.prod.token"),
      std::string::npos);
  EXPECT_NE(
      error_of("[contexts.lab]\nendpoint = \"a:1\"\n").find("neither ca_fingerprint nor ca_certificate"),
      std::string::npos);
  EXPECT_EQ(error_of("contexts = 1"), "context.toml:1: contexts: is unknown; known is current");
  EXPECT_EQ(error_of("contexts.a = 1"),
            "context.toml:1: contexts: a dotted name; write a table: [name], and its fields below");
  EXPECT_EQ(error_of("contexts = {a = 1}"),
            "context.toml:1: contexts: a table in one line; write [name], and its fields below");
  EXPECT_EQ(error_of("\n[lab]"), "context.toml:2: lab: is no table of this file; write [contexts.NAME]");
  EXPECT_EQ(error_of("[contexts]"),
            "context.toml:1: contexts: is no table of this file; write [contexts.NAME]");
  EXPECT_EQ(error_of("[[contexts.a]]"),
            "context.toml:1: contexts.a: is no table of this file; write [contexts.NAME]");
  EXPECT_NE(error_of("[contexts.A]").find("a context's name is"), std::string::npos);
}

TEST(Contexts, ErrorsNeverRepeatATokenOrControlCharacters) {
  const std::string bad_token = replaced(kGood, "09090909.", "09090909,");
  EXPECT_NE(error_of(bad_token).find("context.toml:6: contexts.lab.token"), std::string::npos);
  const std::string unquoted = replaced(kGood, "\"weiru", "weiru");
  EXPECT_EQ(error_of(unquoted).substr(0, 15), "context.toml:6:") << error_of(unquoted);
  for (const std::string& text :
       {bad_token, unquoted, replaced(kGood, "token =", "\"" + kToken + "\\n\" ="),
        replaced(kGood, "token =", "\"" + kToken + "\" ="), kToken + " = 1", "[contexts." + kToken + "]"}) {
    EXPECT_EQ(error_of(text).find("CQkJCQkJ"), std::string::npos) << error_of(text);
    EXPECT_FALSE(error_of(text).empty());
  }
}

TEST(Contexts, CheckEndpoints) {
  const auto accepted = [](const std::string& endpoint) {
    return error_of("[contexts.a]\nendpoint = '" + endpoint + "'\nca_certificate = 'x'\n").empty();
  };
  for (const char* good : {"a:1", "brain.example.org:65535", "[::1]:7443", "10.0.0.1:1"})
    EXPECT_TRUE(accepted(good)) << good;
  for (const char* bad :
       {"a", ":1", "a:0", "a:65536", "a:-1", "a:1x", "a b:1", "[]:1", "::1:7443", "a:", "http://a:1"}) {
    EXPECT_FALSE(accepted(bad)) << bad;
  }
}

TEST(Contexts, AreBounded) {
  const auto many = [](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      text += "[contexts.c" + std::to_string(i) + "]\nendpoint = 'a:1'\nca_certificate = 'x'\n";
    }
    return text;
  };
  EXPECT_EQ(error_of(many(kContextsMax)), "");
  EXPECT_NE(error_of(many(kContextsMax + 1)).find("more than 256 contexts"), std::string::npos);
  EXPECT_EQ(error_of(std::string(kContextFileBytesMax, '\n')), "");
  EXPECT_NE(error_of(std::string(kContextFileBytesMax + 1, '\n')).find("bytes"), std::string::npos);
}

TEST(Contexts, AreNotWrittenWrong) {
  Contexts contexts = *parse_contexts(kGood, "x");
  contexts.named["lab"].endpoint = "nonsense";
  EXPECT_EQ(render_contexts(contexts).error().where, "contexts.lab.endpoint");
  contexts.named["lab"].endpoint = "a:1";
  for (const std::string& bad : {std::string("a\nb"), std::string("\xC3"), std::string(5'000, 'x')}) {
    contexts.named["lab"].ca_certificate = bad;
    EXPECT_EQ(render_contexts(contexts).error().where, "contexts.lab.ca_certificate");
  }
  contexts.named.erase("lab");
  EXPECT_FALSE(render_contexts(contexts)) << "the current context is gone";
  contexts.current.clear();
  EXPECT_TRUE(render_contexts(contexts));
  contexts.named["Bad name"] = contexts.named["prod"];
  EXPECT_FALSE(render_contexts(contexts));
}

TEST(Contexts, AreFoundByNameOrCurrent) {
  Contexts contexts = *parse_contexts(kGood, "x");
  EXPECT_EQ((*find_context(contexts, ""))->endpoint, "127.0.0.1:7443");
  EXPECT_EQ((*find_context(contexts, "prod"))->endpoint, "[fd00::1]:443");
  EXPECT_EQ(find_context(contexts, "x").error().text(), "no context x; there are: lab, prod");
  contexts.current.clear();
  EXPECT_EQ(find_context(contexts, "").error().code, ErrorCode::kNotFound);
}

TEST(Contexts, LieWhereTheEnvironmentSays) {
  EXPECT_EQ(context_path("/x", "/home/u"), "/x/weir/context.toml");
  EXPECT_EQ(context_path(nullptr, "/home/u"), "/home/u/.config/weir/context.toml");
  EXPECT_EQ(context_path("", "/home/u"), "/home/u/.config/weir/context.toml");
  EXPECT_EQ(context_path("relative", "/home/u"), "/home/u/.config/weir/context.toml");
  EXPECT_FALSE(context_path(nullptr, ""));
}

}  // namespace
}  // namespace weir::identity
