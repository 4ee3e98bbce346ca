#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ports/queues.h"
#include "core/ports/understanding.h"
#include "weir/v1/resource.pb.h"

// Jobs that wait for their turn, in words and as messages.
namespace weir::gateway {

// Who reads it: an operator is told of everybody's jobs, a tenant of the names of its own only.
struct Reading {
  const Graph& graph;
  const QueueReport& report;
  bool all = false;
};

// "domain" for the domain's own.
std::string queue_name(const Graph& graph, QueueId queue);
// "4 cores", "16 GiB of memory", "2 accelerators".
std::string amount_text(CountedResource resource, int64_t amount);

// How it stands with a job that has no plan; none: it does not wait, it was refused for what time alone will
// not heal, is being decided, or is no job.
std::optional<JobWait> waiting(const Graph& graph, const QueueReport& report, IntentId id);
// Why it is not its turn; null: it is, or a turn would not help.
const JobWait* without_turn(const QueueReport& report, IntentId id);

// Of an array that task of it which the report says begins next; the intent itself where there is none, or it is no array.
const IntentRow& next_task(const Graph& graph, const QueueReport& report, IntentId id);
void put_tasks(const Graph& graph, const IntentRow& array, TimeUs now, v1::Intent::Tasks& out);
std::string tasks_text(const v1::Intent::Tasks& tasks);  // "12 finished, 3 running, 9985 waiting"
// Of an array how far it has come, of a task of which it is one, in sentences; of others nothing.
std::string explain_tasks(const Graph& graph, const QueueReport& report, IntentId id, TimeUs now, Language language = Language::kEnglish);

// In few words: "4 cores needed at metro, 2 are free".
std::string wait_text(const Reading& from, const JobWait& wait, Language language = Language::kEnglish);
// Everything, in sentences: the constraint that decides, who is ahead, when it will start, what would change
// it.
std::string explain_wait(const Reading& from, const JobWait& wait, Language language = Language::kEnglish);
void put_waiting(const Reading& from, const JobWait& wait, v1::Waiting& out);

// Jobs that were preempted last for this wish of the job. O(intents) if there were any.
std::vector<IntentId> preempted_for(const Graph& graph, IntentId id);
// The last preemption of `victim`, as the reader of `reader`, which is it or the other, sees it.
void put_preemption(const Graph& graph, bool all, IntentId victim, IntentId reader, v1::Preemption& out);
// By whom it was preempted last, what was lost, and why it and no other; and who gave way to it. Empty: none.
std::string explain_preempted(const Graph& graph, bool all, IntentId id, Language language = Language::kEnglish);
// How long a job is believed to run, and why so, in a sentence; nothing where nothing is known of others like it.
std::string explain_run_time(const Graph& graph, IntentId id, Language language = Language::kEnglish);

}  // namespace weir::gateway
