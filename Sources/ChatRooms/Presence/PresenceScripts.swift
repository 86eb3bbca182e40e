/// What Redis does for `RedisPresence`, each in one step and by Redis' own clock: servers' clocks may differ.
///
/// ```
/// <prefix>:presence:<room>            zset   server → when its lease on the room ends (ms)
/// <prefix>:presence:<room>:<server>   set    users connected there
/// ```
/// Both outlive the lease, so that whoever finds it ended still learns who was there; where nobody looks, they vanish.
/// A lease is a server's for a room, not a user's: renewing costs by the rooms and not by the connections.
enum PresenceScripts {
  private static let clock = """
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    """

  /// Leases for which what is known of a server outlives the last of them.
  private static let afterlife = 4

  /// KEYS: zset, set. ARGV: server, lease (ms), user ...
  static let enter =
    clock + """
      for i = 3, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
      redis.call('PEXPIRE', KEYS[2], ARGV[2] * \(afterlife))
      redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
      redis.call('PEXPIRE', KEYS[1], ARGV[2] * \(afterlife))
      """

  /// KEYS: zset, set. ARGV: server, user.
  static let leave = """
    redis.call('SREM', KEYS[2], ARGV[2])
    if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
    """

  /// KEYS: zset and set of each room. ARGV: server, lease (ms), whether ended leases are cleared away (1 or 0), number of
  /// users in each room.
  /// Returns the places (1, 2 ...) of rooms of which Redis knows something else; then, of each lease that was cleared away,
  /// the place of its room and the users who were there. Each is returned to one server alone.
  static let renew =
    clock + """
      local wrong, gone = {}, {}
      for i = 1, #KEYS / 2 do
        local zset, set = KEYS[2 * i - 1], KEYS[2 * i]
        if redis.call('SCARD', set) == tonumber(ARGV[i + 3]) then
          redis.call('PEXPIRE', set, ARGV[2] * \(afterlife))
          redis.call('ZADD', zset, now + ARGV[2], ARGV[1])
          redis.call('PEXPIRE', zset, ARGV[2] * \(afterlife))
        else
          wrong[#wrong + 1] = i
        end
        if ARGV[3] == '1' then
          for _, server in ipairs(redis.call('ZRANGEBYSCORE', zset, '-inf', now)) do
            if server ~= ARGV[1] then
              gone[#gone + 1] = {i, redis.call('SMEMBERS', zset .. ':' .. server)}
              redis.call('DEL', zset .. ':' .. server)
              redis.call('ZREM', zset, server)
            end
          end
        end
      end
      return {wrong, gone}
      """

  /// KEYS: zset. ARGV: server. Returns the users on other servers.
  static let others =
    clock + """
      local sets = {}
      for _, server in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
        if server ~= ARGV[1] then sets[#sets + 1] = KEYS[1] .. ':' .. server end
      end
      if #sets == 0 then return {} end
      return redis.call('SUNION', unpack(sets))
      """

  /// KEYS: zsets. Returns how many users are in each room, on whichever server.
  static let count =
    clock + """
      local counts = {}
      for i, zset in ipairs(KEYS) do
        local sets = {}
        for _, server in ipairs(redis.call('ZRANGEBYSCORE', zset, '(' .. now, '+inf')) do
          sets[#sets + 1] = zset .. ':' .. server
        end
        if #sets == 0 then
          counts[i] = 0
        elseif #sets == 1 then
          counts[i] = redis.call('SCARD', sets[1])
        else
          counts[i] = #redis.call('SUNION', unpack(sets))
        end
      end
      return counts
      """
}
