#include "app/operator_context.h"

#include <spdlog/spdlog.h>

#include <future>

#include "security/identity/context.h"
#include "security/identity/user_token.h"

namespace weir::app {
namespace {

constexpr const char* kSubject = "local";

}  // namespace

Status write_operator_context(const std::filesystem::path& file, const std::string& endpoint,
                              const std::string& ca_file, Brain& brain, Clock& clock) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) return {};
  const auto seed = identity::draw_token_seed();
  if (!seed) return tl::unexpected(seed.error());
  const auto issued = identity::issue_user_token(
      *seed, policy::principal_of(policy::Role::kOperator, kSubject), clock.wall_us() / 1'000'000, 0);
  if (!issued) return tl::unexpected(issued.error());
  std::vector<Proposal> proposals{{"brain", TokenIssued{issued->record.id, issued->record.secret_hash, false,
                                                        Role::kOperator, kSubject, 0}}};
  const Snapshot graph = brain.durable();
  for (size_t row = 0; row < graph->token_count(); ++row) {
    const std::string& id = graph->token_name(row);
    const TokenRow& token = *graph->find_token(id);
    // People's tokens always expire.
    if (token.join || token.revoked || token.role != Role::kOperator || token.subject != kSubject ||
        token.expires != 0)
      continue;
    proposals.push_back({"brain", TokenRevoked{id}});
  }
  std::promise<Status> done;
  brain.propose(std::move(proposals), [&done](const Result<Admitted>& admitted) {
    done.set_value(admitted ? Status{} : tl::unexpected(admitted.error()));
  });
  if (const Status durable = done.get_future().get(); !durable) return durable;
  identity::Contexts contexts{.current = kSubject};
  contexts.named[kSubject] = {.endpoint = endpoint, .ca_certificate = ca_file, .token = issued->text};
  if (const Status saved = identity::save_contexts(contexts, file); !saved) return saved;
  spdlog::info("an operator's token lies in {0}; use it by: export WEIR_CONTEXT_FILE={0}", file.string());
  return {};
}

}  // namespace weir::app
