/**
 * The user and group ids that Mayfly takes on its machine. They lie in 1879048192–2147352575, which systemd's
 * table of ids (https://systemd.io/UIDS-GIDS) lists as unused, so that no account and no other container
 * manager's range meets them; they need no entry in /etc/passwd.
 */
const BASE = 1_879_048_192;

export const HOST_IDS = {
  /** The gateway: owns the stored bundles and the API key. */
  gatewayUid: BASE + 1,
  /** Redis: owns its data and its socket. */
  redisUid: BASE + 2,
  /** Group of both, so that the gateway reaches the socket of Redis. */
  serviceGid: BASE + 1,
  /** Sandboxes: 65,536 ids each, from here to the end of the range. */
  firstSandboxUid: BASE + 65_536,
  idsPerSandbox: 65_536,
  lastSandboxUid: 2_147_352_575,
} as const;
