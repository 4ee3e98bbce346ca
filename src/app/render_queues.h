#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>

#include "app/table.h"
#include "weir/v1/service.pb.h"

// Queues, the jobs in them, and what would become of one, for people.
namespace weir::app {

using Items = google::protobuf::RepeatedPtrField<v1::Resource>;

// Queues below their parents, and tenants below their queues.
Table queues(const Items& items, bool wide);
Table jobs(const Items& items, bool wide);
Table reservations(const Items& items, bool wide);
Table workflows(const Items& items, bool wide);
Table policies(const Items& items, bool wide);

// "2026-11-22T18:00Z": when it started, or is estimated to; "-": neither is known.
std::string start_text(const v1::Intent::Status& status);
// What a job that is tried out would wait for, and until when.
std::string render_waiting(const std::string& why, const v1::Waiting& waiting, bool chinese);

// What an intent is beside what it would be, with `changes` made to it.
std::string render_outlooks(const v1::Outlook& now, const v1::Outlook& other, const std::string& changes,
                            size_t width);

}  // namespace weir::app
