// The shell side of the portable launcher: the program of a slot's long-lived shell, and the text that starts one task in it.
// Only builtins run per task (each fork or exec costs as much as the task). It relies on POSIX sh, /proc for pids and times, and setsid(1).
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { LaunchOrder } from "./launcher.ts";

/** A shell moves on to a new journal file after so many tasks, so that old ones can be deleted. */
const tasksPerJournal = 200;

/**
 * `sh worker SLOT HOME`. All shells read one queue, a FIFO of lines; `lock` is a FIFO with one newline in it, and who has read it may
 * read the queue. An order of k slots is k-1 `part` lines, each of which parks a shell, and a `run` line. A task is claimed by creating
 * its claim file with O_EXCL, so that a queue line may come twice and the agent can take an order back.
 */
export const workerScript = `
umask 022
unset PWD OLDPWD
PATH=/usr/bin:/bin
slot=$1 home=$2 file=0 count=0
cd "$home" || exit 1
unset PWD OLDPWD
exec 5<>queue 6<>slot/$slot 7<>lock 8<>alive/$slot 9>>journal/$slot.0
ring() { echo "$slot" 1<>"$home/bell"; }
now() { read -r up rest </proc/uptime; }
# called by the order's own text, in the subshell that becomes the task
refuse() { echo "F $seq $1 $2" >&9; exit 126; }
starting() { now; echo "S $seq $p $up" >&9; echo "$p" >|"$home/claims/$seq"; ring; }
parked() { token=; until [ "$token" = "$1" ]; do read -r token <&6; done; }
unpark() {
  [ -e orders/$seq.parts ] || return
  while read -r part; do echo "$seq" 1<>slot/$part; done <orders/$seq.parts
}
leave() { echo >&7; echo Q >&9; ring; exit 0; }
retire() {
  for token in retire/*; do
    rm "$token" || continue
    rmdir retire
    leave
  done
}
run() {
  # rings when there is nothing to do, too: the agent may wait for room in the queue
  [ -e orders/$seq ] || { ring; return; }
  set -C; if echo >claims/$seq; then set +C; else set +C; ring; return; fi
  ( cd -P /proc/self; p=\${PWD##*/}; cd "$home"; . ./orders/$seq )
  status=$?
  p=; read -r p <claims/$seq
  [ -z "$p" ] || kill -9 -$p
  now
  echo "X $seq $status $up" >&9; times >&9; ring
  [ "$hold" = 0 ] || [ -e orders/$seq.released ] || parked $seq
}
times >&9; echo "W $$" >&9; ring
while :; do
  read -r token <&7
  [ ! -d retire ] || retire
  read -r kind seq hold <&5
  case $kind in
  run)
    echo >&7
    run
    unpark
    count=$((count + 1))
    if [ $count = ${tasksPerJournal} ]; then
      echo N >&9; file=$((file + 1)) count=0
      exec 9>>journal/$slot.$file; times >&9
    fi ;;
  part) echo "$slot" >>orders/$seq.parts; echo >&7; parked $seq ;;
  end) leave ;;
  *) echo >&7 ;;
  esac
done
`;

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** Neither an option nor, for `cd -`, something else. */
const asPath = (path: string): string => (path.startsWith("/") ? path : `./${path}`);

/** Names that some shell treats in its own way; an environment with one of them, or with a name that no shell can hold, goes through env(1). */
const shellNames =
  /^(_|IFS|OPTIND|OPTARG|OPTERR|PPID|PWD|OLDPWD|LINENO|MAIL.*|PS\d|HIST.*|ENV|UID|EUID|GROUPS|BASH.*|SHELLOPTS|SHLVL|RANDOM|SECONDS|FUNCNAME|DIRSTACK|ATTY)$/;
const plainName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !shellNames.test(name);

/** Linux refuses a single string of 128 KiB and, with the usual stack limit, 2 MiB in all. */
const longestArgument = 131_071;
const longestArguments = 2_000_000;

const noExecFormat = 8;
const tooLong = 7;
const notPermitted = 1;

/** What exec would say, as far as it can be told beforehand: setsid(1) would pass a file of unknown format to a shell, and hide the rest in its exit code. */
const refusalOf = (order: LaunchOrder): string => {
  if (order.uid !== undefined) return `refuse ${notPermitted} user`;
  const strings = [...order.argv, ...Object.entries(order.env).map(([name, value]) => `${name}=${value}`)].map((text) =>
    Buffer.byteLength(text),
  );
  if (strings.some((length) => length > longestArgument) || strings.reduce((sum, length) => sum + length + 9, 0) > longestArguments) {
    return `refuse ${tooLong} exec`;
  }
  return hasUnknownFormat(resolve(order.cwd, asPath(order.argv[0]!))) ? `refuse ${noExecFormat} exec` : "";
};

/** By path, time of change and size: the same program is started again and again. */
const knownFormats = new Map<string, boolean>();
const mostKnownFormats = 1000;

const hasUnknownFormat = (program: string): boolean => {
  try {
    const stat = statSync(program);
    if (process.platform !== "linux" || !stat.isFile()) return false;
    const key = `${program}\0${stat.mtimeMs}\0${stat.size}`;
    const known = knownFormats.get(key);
    if (known !== undefined) return known;
    const fd = openSync(program, "r");
    const head = Buffer.alloc(4);
    const length = readSync(fd, head, 0, 4, 0);
    closeSync(fd);
    const unknown = !(head.toString("latin1", 0, 2) === "#!" || (length === 4 && head.toString("latin1") === "\x7fELF"));
    if (knownFormats.size >= mostKnownFormats) knownFormats.clear();
    knownFormats.set(key, unknown);
    return unknown;
  } catch {
    return false; // the shell finds out
  }
};

const outputChecks = (path: string): string =>
  [
    `[ ! -h ${quote(path)} ] || refuse 40 open`,
    `[ ! -e ${quote(path)} ] || [ -f ${quote(path)} ] || [ -c ${quote(path)} ] || refuse 22 open`,
    `true >${quote(path)} || { [ -d ${quote(asPath(dirname(path)))} ] || refuse 2 open; refuse 13 open; }`,
  ].join("\n");

/** Without it an order's file is not whole. */
export const orderEnd = "\n# end\n";

/** The first line is read by the agent after a restart; ids hold no newline. */
export const orderScript = (order: LaunchOrder, setsid: string, env: string): string => {
  const [cwd, program] = [quote(asPath(order.cwd)), quote(asPath(order.argv[0]!))];
  const [stdout, stderr] = [asPath(order.stdoutPath), asPath(order.stderrPath)];
  const command = [program, ...order.argv.slice(1).map(quote)].join(" ");
  const names = Object.entries(order.env);
  const plain = names.every(([name]) => plainName(name));
  const exports = names.map(([name, value]) => `export ${name}=${quote(value)}`);
  const assignments = names.map(([name, value]) => quote(`${name}=${value}`)).join(" ");
  return [
    `# ${order.slots} ${order.hold ? 1 : 0} ${order.id}`,
    `[ -e ${cwd} ] || refuse 2 chdir`,
    `[ -d ${cwd} ] || refuse 20 chdir`,
    `cd ${cwd} || refuse 13 chdir`,
    "unset PWD OLDPWD",
    outputChecks(stdout),
    stderr === stdout ? "" : outputChecks(stderr),
    `[ -e ${program} ] || refuse 2 exec`,
    `[ -f ${program} ] && [ -x ${program} ] || refuse 13 exec`,
    refusalOf(order),
    "starting",
    ...(plain ? exports : []),
    `exec ${plain ? "" : `${env} -i -- ${assignments} `}${setsid} ${command} >${quote(stdout)} 2>${stderr === stdout ? "&1" : quote(stderr)} 5>&- 6>&- 7>&- 8>&- 9>&-`,
  ]
    .join("\n")
    .concat(orderEnd);
};
