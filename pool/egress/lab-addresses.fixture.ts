/** Addresses of the network that network-lab.fixture.ts builds around a worker. */

export const RANGE = "100.64.128.0/24";
export const GATEWAY = "192.168.77.1";
/** The operator's, in a private network: reached all the same, by port 53 only. */
export const RESOLVER = "192.168.77.53";

export const PUBLIC = ["8.8.8.8", "1.1.1.1"];
/** Public, and refused by the operator. */
export const DENIED = "9.9.9.9";
export const REFUSED = [
  "10.1.2.3",
  "172.16.5.5",
  "192.168.88.1",
  "192.168.77.1",
  "169.254.169.254",
  "100.100.100.200",
  "168.63.129.16",
  "198.18.0.1",
  "192.0.2.1",
  "203.0.113.9",
];
export const PUBLIC_V6 = "2a00::8";

export const SERVED_ADDRESSES = [...PUBLIC, DENIED, ...REFUSED, RESOLVER, PUBLIC_V6];
export const SERVED_PORTS = [80, 443, 8050];

/** The worker's own: in the private network, and one that is public. */
export const WORKER_ADDRESSES = ["192.168.77.2", "51.15.0.1"];
export const WORKER_V6 = "2a00:77::2";
/** Something of the operator's listens there, on all of the worker's addresses. */
export const WORKER_PORT = 7000;
