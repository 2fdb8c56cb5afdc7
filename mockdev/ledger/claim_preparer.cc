// Life of a claim, stop 5 of 8: prepare. The order of the effects, and what is undone in which
// order at stop 8.
#include "mockdev/ledger/claim_preparer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include "dray/base/log.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "dray/runtime/files.h"
#include "mockdev/cdi/spec.h"
#include "mockdev/ledger/assign.h"
#include "mockdev/ledger/file_names.h"

namespace dray::mockdev {
namespace {

// UIDs become file names, and they come from outside.
Status CheckUid(const std::string& uid) {
  bool fine = !uid.empty() && uid.size() <= 128 && std::all_of(uid.begin(), uid.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
  });
  if (fine) return {};
  return Status(Reason::kInvalid, "\"" + uid + "\" is not a UID");
}

bool HasContent(const std::string& path, std::string_view content) {
  Result<std::string> present = runtime::ReadFile(path);
  return present.ok() && *present == content;
}

Status MakeHostFile(const HostFile& file) {
  if (!file.directory) {
    if (HasContent(file.path, file.content)) return {};
    return runtime::WriteFileAtomically(file.path, file.content);
  }
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(file.path));
  if (!file.writable) return {};
  std::error_code error;
  // Containers run as any user; the mask of this process must not decide.
  std::filesystem::permissions(file.path, std::filesystem::perms::all, error);
  if (error)
    return Status(Reason::kInternal,
                  "cannot open " + file.path + " to all users: " + error.message());
  return {};
}

}  // namespace

ClaimPreparer::ClaimPreparer(PreparerOptions options, const DeviceInventory& inventory)
    : options_(std::move(options)),
      inventory_(inventory),
      specs_(options_.paths.cdi_dir, options_.profile.driver) {}

ClaimPreparer::~ClaimPreparer() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::unique_ptr<ClaimPreparer>> ClaimPreparer::Open(const Context& ctx,
                                                           PreparerOptions options,
                                                           const DeviceInventory& inventory) {
  std::unique_ptr<ClaimPreparer> preparer(new ClaimPreparer(std::move(options), inventory));
  DRAY_RETURN_IF_ERROR(preparer->Start(ctx));
  return preparer;
}

Status ClaimPreparer::Start(const Context& ctx) {
  const NodePaths& paths = options_.paths;
  for (const std::string& directory :
       {paths.state_dir, paths.claims(), paths.shared(), paths.cdi_dir}) {
    DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(directory));
  }
  lock_ = ::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0)
    return Status(Reason::kInternal, "cannot open " + paths.lock() + ": " + std::strerror(errno));
  Context waiting = ctx.WithTimeout(std::chrono::seconds(10));
  while (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (!waiting.Sleep(std::chrono::milliseconds(100)).ok()) {
      return Status(Reason::kUnavailable, "another process holds " + paths.lock() +
                                              "; one mock driver per state directory");
    }
  }
  DRAY_ASSIGN_OR_RETURN(
      ledger_, ClaimLedger::Open(paths.ledger(), options_.profile.driver, options_.before_effect));
  DRAY_RETURN_IF_ERROR(CopyTools());
  return RemoveUntracked();
}

Status ClaimPreparer::CopyTools() {
  for (const Tool& tool : options_.profile.tools) {
    Result<std::string> program = runtime::ReadFile(options_.tools_dir + "/" + tool.name);
    if (!program.ok()) {
      return Status(Reason::kInvalid, "profile " + options_.profile.name + " needs the mock tool " +
                                          tool.name + ": " + program.status().message() +
                                          " (see --tools-dir)");
    }
    std::string target = options_.paths.tools() + "/" + tool.name;
    DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(options_.paths.tools()));
    if (HasContent(target, *program)) continue;
    DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(target, *program, 0755));
  }
  return {};
}

Status ClaimPreparer::RemoveUntracked() {
  std::set<std::string> known;
  for (const auto& [uid, record] : ledger_->claims()) known.insert(uid);
  DRAY_ASSIGN_OR_RETURN(int removed, specs_.RemoveOthers(known, options_.paths.state_dir));
  DRAY_ASSIGN_OR_RETURN(std::vector<std::string> claims, FileNames(options_.paths.claims()));
  for (const std::string& uid : claims) {
    if (known.contains(uid)) continue;
    DRAY_RETURN_IF_ERROR(runtime::RemoveTree(options_.paths.claim(uid)));
    ++removed;
  }
  // What a kill between write and rename left.
  const NodePaths& paths = options_.paths;
  for (const std::string& directory : {paths.state_dir, paths.tools(), paths.shared()}) {
    DRAY_ASSIGN_OR_RETURN(std::vector<std::string> names, FileNames(directory));
    for (const std::string& name : names) {
      if (name.find(".tmp.") == std::string::npos) continue;
      DRAY_RETURN_IF_ERROR(runtime::RemoveFile(directory + "/" + name));
      ++removed;
    }
  }
  if (removed > 0)
    LOG(WARNING) << "removed " << removed
                 << " files and directories that belong to no prepared claim";
  return {};
}

Status ClaimPreparer::Step(std::string_view name) const {
  return options_.before_effect ? options_.before_effect(name) : Status();
}

Status ClaimPreparer::WriteFiles(const ClaimEdits& edits) {
  for (const HostFile& file : edits.files) {
    DRAY_RETURN_IF_ERROR(Step("host file"));
    DRAY_RETURN_IF_ERROR(MakeHostFile(file));
  }
  return {};
}

bool ClaimPreparer::FilesAreThere(const ClaimRecord& record, const ClaimEdits& edits,
                                  const cdi::Spec& spec) const {
  std::error_code error;
  for (const HostFile& file : edits.files) {
    if (file.directory ? !std::filesystem::is_directory(file.path, error)
                       : !HasContent(file.path, file.content)) {
      return false;
    }
  }
  return specs_.Holds(record.uid, spec);
}

Result<ClaimRecord> ClaimPreparer::Prepare(const api::ResourceClaim& claim) {
  std::lock_guard lock(mutex_);
  const std::string& uid = claim.metadata.uid;
  DRAY_RETURN_IF_ERROR(CheckUid(uid));
  DRAY_ASSIGN_OR_RETURN(ClaimRecord wanted,
                        WantedOf(options_.profile, inventory_.devices(), inventory_.pool(), claim));

  // 1. What the ledger knows. An entry of an earlier allocation of the same claim is residue: the
  // claim could only be
  //    allocated anew after its users were gone.
  const ClaimRecord* known = ledger_->Find(uid);
  if (known != nullptr && !SameAllocation(*known, wanted)) {
    LOG(WARNING) << "claim " << wanted.namespace_ << "/" << wanted.name
                 << " was allocated anew; undoing the old one";
    DRAY_RETURN_IF_ERROR(UnprepareLocked(uid));
    known = nullptr;
  }
  ClaimRecord record;
  if (known != nullptr) {
    record = *known;
  } else {
    for (const PreparedDevice& device : wanted.devices) {
      if (!inventory_.Present(device.device)) {
        return Status(Reason::kNotFound,
                      "device " + device.device + " has disappeared from this node");
      }
    }
    DRAY_ASSIGN_OR_RETURN(
        record, AssignDevices(options_.profile, inventory_.devices(), ledger_->claims(), wanted));
  }
  DRAY_ASSIGN_OR_RETURN(ClaimEdits edits, EditsForClaim(options_.profile, inventory_.devices(),
                                                        options_.paths, record));
  cdi::Spec spec = cdi::SpecForClaim(options_.profile.driver, record, edits);
  prepared_at_[uid] = ++prepares_;
  if (record.state == ClaimRecord::State::kCompleted && FilesAreThere(record, edits, spec))
    return record;

  // 2. Say what will be done before doing it, so that a kill leaves a trace.
  if (known == nullptr) DRAY_RETURN_IF_ERROR(ledger_->Put(record));
  // 3. The devices: everything a container will mount.
  DRAY_RETURN_IF_ERROR(WriteFiles(edits));
  // 4. The CDI file, last of the files: a runtime that finds it finds the rest.
  DRAY_RETURN_IF_ERROR(Step("CDI file"));
  DRAY_RETURN_IF_ERROR(specs_.Write(uid, spec));
  // 5. Done.
  if (record.state != ClaimRecord::State::kCompleted) {
    record.state = ClaimRecord::State::kCompleted;
    DRAY_RETURN_IF_ERROR(ledger_->Put(record));
  }
  return record;
}

Status ClaimPreparer::Unprepare(const std::string& uid) {
  std::lock_guard lock(mutex_);
  return UnprepareLocked(uid);
}

uint64_t ClaimPreparer::Moment() const {
  std::lock_guard lock(mutex_);
  return prepares_;
}

Result<bool> ClaimPreparer::UnprepareUnlessPreparedSince(const std::string& uid, uint64_t since) {
  std::lock_guard lock(mutex_);
  if (auto last = prepared_at_.find(uid); last != prepared_at_.end() && last->second > since)
    return false;
  DRAY_RETURN_IF_ERROR(UnprepareLocked(uid));
  return true;
}

Status ClaimPreparer::UnprepareLocked(const std::string& uid) {
  DRAY_RETURN_IF_ERROR(CheckUid(uid));
  // The ledger entry goes last: as long as it stands, a kill in between is finished by the next
  // call. Files are removed also without an entry, since a lost answer makes the kubelet call
  // again.
  DRAY_RETURN_IF_ERROR(Step("CDI file removed"));
  DRAY_RETURN_IF_ERROR(specs_.Remove(uid));
  DRAY_RETURN_IF_ERROR(Step("claim directory removed"));
  DRAY_RETURN_IF_ERROR(runtime::RemoveTree(options_.paths.claim(uid)));
  DRAY_RETURN_IF_ERROR(ledger_->Remove(uid));
  prepared_at_.erase(uid);
  return {};
}

std::vector<ClaimRecord> ClaimPreparer::Claims() const {
  std::lock_guard lock(mutex_);
  std::vector<ClaimRecord> claims;
  for (const auto& [uid, record] : ledger_->claims()) claims.push_back(record);
  return claims;
}

size_t ClaimPreparer::PreparedDevices() const {
  std::lock_guard lock(mutex_);
  size_t devices = 0;
  for (const auto& [uid, record] : ledger_->claims()) devices += record.devices.size();
  return devices;
}

}  // namespace dray::mockdev
