// SPDX-License-Identifier: GPL-3.0-or-later
// A server of the model behind links that delay, stall and break, and the engine's client
// over them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "redis/client.h"
#include "model/view.h"
#include "redis_model/redis_model.h"
#include "sim/clock.h"
#include "sim/history.h"
#include "sim/scheduler.h"

namespace fastmeta::sim {

class SimServer;

// What of a link may go wrong, and how long it takes.
struct LinkState {
  Time one_way = kMillisecond;
  Time jitter = 0;           // up to so much more
  bool up = true;            // connections can be made
  Time stalled_until = 0;    // what is sent before arrives then
  Time late_until = 0;       // what had left when a connection was cut may arrive until then
};

// One connection: requests arrive and replies come in order.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  using Replies = std::vector<redis::Reply>;
  struct Request {
    std::vector<redis::Command> commands;
    Replies replies;
    bool finished = false;           // replies are there, or none will come
    bool lost = false;
    Fiber* waiter = nullptr;
    std::function<void()> then;      // when replies are there
  };
  using RequestPtr = std::shared_ptr<Request>;

  // With the moment of the server up to which a push tells of its keys.
  using OnPush = std::function<void(redis::Reply, Moment)>;
  Wire(SimServer& server, LinkState& link, OnPush on_push);

  bool up() const { return up_; }
  RequestPtr send(std::vector<redis::Command> commands);
  // The client's end is gone now; the server's when what has left has arrived, or at once.
  void cut(bool deliver_what_left);
  // What the server sends arrives then; of other connections it does not wait.
  void lag(Time until) { lags_until_ = until; }
  // The server has written pushes for it.
  void pushes_wait();

  std::function<void()> on_lost;

 private:
  friend class SimServer;
  struct Item {
    std::optional<redis::Reply> push;
    Moment moment = 0;    // of the push
    RequestPtr request;   // gets `reply`
    redis::Reply reply;
  };
  Time next_arrival();
  // The server carries out what has arrived, in order.
  void process();
  void send_back(Item item);
  void deliver();
  void server_gone();

  SimServer& server_;
  LinkState& link_;
  OnPush on_push_;
  std::unique_ptr<test::Connection> far_;  // none: closed there
  bool up_ = true;
  Time last_arrival_ = 0, last_delivery_ = 0, lags_until_ = 0;
  std::deque<RequestPtr> arrived_;
  size_t carried_out_ = 0;  // commands of the first of them
  bool processes_ = false;  // and goes on in a moment
  std::deque<Item> coming_;
  std::deque<RequestPtr> waiting_;  // for replies, in order
};
using WirePtr = std::shared_ptr<Wire>;

class SimServer {
 public:
  SimServer(Scheduler& scheduler, test::Dice& dice)
      : scheduler_(scheduler), dice_(dice), history_(model_) {
    model_.clock = [this] { return SimClock(scheduler_).now().sec; };
  }

  test::RedisModel& model() { return model_; }
  const History& history() const { return history_; }
  // What there is now is the beginning.
  void begin_history() { history_.replaced(); }
  // When this client has last changed it.
  Moment written(const LinkState& by, const Place& place) const;
  Scheduler& scheduler() { return scheduler_; }
  test::Dice& dice() { return dice_; }
  WirePtr connect(LinkState& link, Wire::OnPush on_push);

  // Every connection breaks; it has forgotten what came after `kept`, if that is given.
  void restart(std::optional<test::Keyspace> kept);
  // What the volume's settings say; the rest of it is a client's own.
  model::VolumeFacts settings;
  // After each command that was carried out.
  std::function<void(const redis::Command&, const redis::Reply&)> on_command;

 private:
  friend class Wire;
  void tell_pushes();
  void carried_out(const redis::Command& command, const redis::Reply& reply, const LinkState& by);

  Scheduler& scheduler_;
  test::Dice& dice_;
  test::RedisModel model_;
  History history_;
  std::map<const LinkState*, std::map<Place, Moment>> written_;
  std::vector<std::weak_ptr<Wire>> wires_;
};

// The engine's client, for one process.
class SimClient final : public redis::Client {
 public:
  SimClient(SimServer& server, LinkState& link, ProcessPtr process);
  ~SimClient() override { drop_all(); }

  Result<void> start(redis::ClientHooks hooks) override;
  void stop() override { drop_all(); }
  const redis::ServerInfo& server() const override { return info_; }
  const std::string& key_prefix() const override { return prefix_; }
  bool connected() const override { return ready_ && wire_->up(); }
  uint64_t epoch() const override { return epoch_; }
  Result<std::vector<redis::Reply>> read(std::span<const redis::Command> commands,
                                         Deadline deadline) override;
  Result<std::unique_ptr<redis::Sent>> send(std::vector<redis::Command> commands, uint64_t epoch,
                                            Deadline deadline) override;
  Result<redis::Lease> lease(Deadline deadline) override;

  // What is told on the connection that tracks comes late, behind what others bring.
  void lag(Time until);
  // Its connections break now.
  void cut(bool deliver_what_left);

  // What a read that begins now has to know of: the server as it was at this moment, as far
  // as the key is concerned. Pushes are counted, so that it can be asked later.
  uint64_t pushes() const { return pushes_; }
  Moment announced(const std::string& key, uint64_t pushes) const;
  bool tracks() const { return ready_; }
  Moment written(const Place& place) const { return server_.written(link_, place); }

 private:
  class SimSent;
  class SimLease;
  void connect();
  void connect_later();
  void lost();
  void drop_all();

  SimServer& server_;
  Scheduler& scheduler_;
  LinkState& link_;
  const ProcessPtr process_;
  redis::ClientHooks hooks_;
  redis::ServerInfo info_;
  std::string prefix_;
  WirePtr wire_;
  std::vector<std::weak_ptr<Wire>> pooled_;
  uint64_t epoch_ = 0;
  bool ready_ = false;  // the server tells of changes
  struct Push {
    uint64_t number;
    Moment moment;
  };
  uint64_t pushes_ = 0;
  std::map<std::string, std::vector<Push>> announced_;
  std::vector<Push> all_announced_;  // by a new connection, or a flush
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fastmeta::sim
