// The world that the simulated operators live in: a blob service, an API server and the time. Plain values, so that a
// whole world can be copied, compared and hashed; every method is one atomic step of a service. Nothing here knows how
// the operator works, except that Cluster keeps an audit log of what was created: the oracle (oracle.h) reads that and
// the history of the blobs, never an operator's own word.
#pragma once

#include <array>
#include <compare>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "tests/model/rules.h"
#include "tests/model/witness.h"

namespace abo::model {

inline constexpr Millis never = std::numeric_limits<Millis>::max();

// ---- the blob service ----

// One version of one blob, as written. Its id is its place in BlobService::history.
struct Version {
  std::string name;
  std::string etag;
  ServiceTime modified;  // stamped when the write begins, in whole seconds
  Millis begun = 0;
  Millis seen_from = never;   // when listings begin to show it
  Millis seen_until = never;  // overwritten or deleted
  bool reappeared = false;    // was deleted and came back with its old Last-Modified
  bool promised = false;      // an undisturbed poll showed it: see witness.h

  [[nodiscard]] bool in_flight() const { return seen_from == never; }
  [[nodiscard]] bool visible() const { return seen_from != never && seen_until == never; }
};

struct BlobService {
  std::vector<Version> history;

  // A write is stamped first and becomes visible later; one at a time for each name.
  void begin_write(const std::string& name, Millis now);
  void finish_write(std::string_view name, Millis now);
  void remove(std::string_view name, Millis now);
  void undelete(std::string_view name);
  [[nodiscard]] bool is_writing(std::string_view name) const;
  [[nodiscard]] std::optional<std::size_t> current(std::string_view name) const;

  // Up to `limit` blobs behind `marker` in the order of names (or from it on: a page may repeat a row), as they are now.
  [[nodiscard]] std::vector<std::size_t> page(std::string_view marker, bool from_marker,
                                              std::size_t limit) const;
};

// ---- the API server ----

// The replay that a version was triggered by: its time, in seconds; or none.
using Epoch = std::int64_t;
inline constexpr Epoch no_replay = 0;
[[nodiscard]] Epoch epoch_of(const checkpoint::Replays& replays, ServiceTime modified);

// An object that was ever created. What never changes of it stands here, under its uid, for good.
struct Made {
  static constexpr int foreign = -1;
  std::string name;
  int version = foreign;  // of the blob it was made for; foreign: somebody else's object
  Epoch epoch = no_replay;
};

struct Object {
  int uid = 0;         // index into Cluster::made
  bool held = false;   // carries our finalizer
  bool going = false;  // has a deletionTimestamp: it goes when the finalizer does
};

// The AzureBlobWatcher as it is stored.
struct Watcher {
  int revision = 1;                 // resourceVersion
  int generation = 1;               // of the spec
  std::optional<ServiceTime> wish;  // the annotation replay-since
  std::optional<checkpoint::Checkpoint> checkpoint;
};

// A create on its way. Sending it, carrying it out and hearing the answer are three steps: whoever sent it may be frozen,
// dead or deposed by the time it arrives.
struct CreateRequest {
  enum class Answer : std::uint8_t { None, Created, Exists, Refused, Unknown };
  int id = 0;
  int sender = 0;       // operator
  int incarnation = 0;  // of that operator: another one hears no answer
  std::string name;
  int version = 0;
  Epoch epoch = no_replay;
  bool with_finalizer = true;
  bool led = false;     // by the Lease, its sender was the leader as it left
  bool flying = true;   // not carried out yet
  Millis deadline = 0;  // arrives before that or never
  Answer answer = Answer::None;
  int uid = 0;  // with Created
};

// A status write whose answer the sender did not wait for.
struct LateWrite {
  int revision = 0;
  checkpoint::Checkpoint checkpoint;
  Listed listed;
};

// An entry of the audit log: a create for a version of a blob was answered 201.
struct Created {
  int version = 0;
  Epoch epoch = no_replay;
  int uid = 0;
  int sender = 0;
  int incarnation = 0;
  bool orphaned = false;  // by the Lease, its sender led as it left, and did so no more as it was carried out
};

// By which it stands in the Lease.
[[nodiscard]] std::string process_name(int op, int incarnation);

struct Cluster {
  std::vector<Made> made;
  std::vector<Object> objects;  // those that exist, by uid
  Watcher watcher;
  std::optional<kube::LeaseRecord> lease;
  int lease_revision = 0;
  std::vector<CreateRequest> requests;
  int next_request = 0;
  std::vector<LateWrite> late_writes;
  std::vector<Created> audit;
  std::set<std::pair<int, Epoch>>
      met_others;  // versions for which a create was answered 409, since an object of something else had the name

  [[nodiscard]] const Object* holder(std::string_view name) const;
  [[nodiscard]] Object* find(int uid);
  [[nodiscard]] CreateRequest* request(int id);
  // By the Lease as it is stored.
  [[nodiscard]] bool is_led_by(int op, int incarnation) const;

  // The uid, or nothing when the name is taken.
  std::optional<int> create(std::string name, int version, Epoch epoch, bool with_finalizer);
  void carry_out(CreateRequest& request);
  // A delete by a user, or by the TTL controller as soon as a resource has finished.
  void remove(int uid);
  // JSON patch with tests of the uid and of the entry.
  void remove_finalizer(int uid);
  // False: a conflict.
  bool replace_lease(const std::string& revision, kube::LeaseRecord& next);
};

// Somebody set the annotation replay-since then.
struct Wish {
  ServiceTime since;
  Millis at = 0;
};

struct World {
  Millis now = 0;
  BlobService blobs;
  Cluster cluster;
  std::vector<Wish> wishes;            // as they were made
  std::optional<Listed> first_listed;  // the listing that decided what was there at the start
  std::string violation;               // of a law that is broken at once; "" while all is well

  [[nodiscard]] ServiceTime service_time() const;
  // Sets the annotation, or takes it away.
  void wish_for(std::optional<ServiceTime> since);
  // Time passes; what cannot be under way any longer arrives (writes of blobs) or is lost (requests).
  void advance(Millis by, const Rules& rules);
  // Somebody edits the spec, or something that concerns nobody: then only the resourceVersion changes.
  void edit_spec();
  void edit_labels();
  // A page of a listing by this operator; one without a marker is the first.
  std::vector<std::size_t> list_page(int op, const std::string& marker, bool from_marker, const Rules& rules);
  void carry_out(CreateRequest& request);
  // Its sender hears nothing and gives up.
  void lose_answer(CreateRequest& request);
  // A replace of the status by this operator, or by nobody who still waits for it; its last listing. False: a conflict.
  bool replace_status(int op, int revision, const checkpoint::Checkpoint& next, Listed listed);
  bool replace_lease(int op, const std::string& revision, kube::LeaseRecord& next, Millis sent, bool heard);

  // ---- what is known of each operator's polls: witness.h ----
  std::array<Witness, 2> witnesses;
  [[nodiscard]] Witness& witness(int op) { return witnesses[static_cast<std::size_t>(op)]; }
  // Something changed that each operator, or each but this one, must be told of.
  void unknown_to_all_but(int op);
  // The operator is about to work on its creations: they are undisturbed only if it leads, and if the holders of names that
  // it was told of are still there.
  void watch_over_creations(int op, const Rules& rules);
  // Its pass came to its end: what an undisturbed one was shown must be created, now or by what it wrote.
  void pass_ended(int op);
};

// How a version looks to an operator; its id travels as the size, so that the oracle need not trust keys.
[[nodiscard]] listing::BlobItem item_of(const World& world, int version, const Rules& rules);

}  // namespace abo::model
