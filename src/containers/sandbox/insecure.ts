export interface RuntimeDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

/** Every capability of Linux 5.9 to 6.x (capability.h); runc leaves out what the running kernel doesn't know. */
export const ALL_CAPABILITIES = `
  AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
  IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW
  PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE
  SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

const DISK_GROUP = 6;

/** What building a disk image needs; BuildKit gives the same to `RUN --security=insecure`. */
export const LOOP_DEVICES: RuntimeDevice[] = [
  { path: '/dev/loop-control', type: 'c', major: 10, minor: 237, fileMode: 0o660, uid: 0, gid: DISK_GROUP },
  ...Array.from({ length: 8 }, (_, n): RuntimeDevice => {
    return { path: `/dev/loop${n}`, type: 'b', major: 7, minor: n, fileMode: 0o660, uid: 0, gid: DISK_GROUP };
  }),
];
