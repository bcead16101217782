// The VM sizes that pools can name: cores, memory and quota family of each. Data; how many nodes fit a machine is not decided here.

export type VmSize = { readonly name: string; readonly cores: number; readonly memoryGiB: number; readonly family: string };

/** One series: `name` with `#` for the part that varies, the family, then `variant:cores:memoryGiB` entries. */
const series: readonly (readonly [name: string, family: string, entries: string])[] = [
  ["standard_a#", "standardA0_A7Family", "0:1:0.75 1:1:1.75 2:2:3.5 3:4:7 4:8:14 5:2:14 6:4:28 7:8:56"],
  ["standard_a#", "standardA8_A11Family", "8:8:56 9:16:112 10:8:56 11:16:112"],
  ["basic_a#", "basicAFamily", "0:1:0.75 1:1:1.75 2:2:3.5 3:4:7 4:8:14"],
  ["standard_a#_v2", "standardAv2Family", "1:1:2 2:2:4 4:4:8 8:8:16 2m:2:16 4m:4:32 8m:8:64"],
  ["standard_d#", "standardDFamily", "1:1:3.5 2:2:7 3:4:14 4:8:28 11:2:14 12:4:28 13:8:56 14:16:112"],
  ["standard_d#_v2", "standardDv2Family", "1:1:3.5 2:2:7 3:4:14 4:8:28 5:16:56 11:2:14 12:4:28 13:8:56 14:16:112 15:20:140"],
  ["standard_ds#_v2", "standardDSv2Family", "1:1:3.5 2:2:7 3:4:14 4:8:28 5:16:56 11:2:14 12:4:28 13:8:56 14:16:112 15:20:140"],
  ["standard_d#_v3", "standardDv3Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#s_v3", "standardDSv3Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#_v4", "standardDv4Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#s_v4", "standardDSv4Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#d_v4", "standardDDv4Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#ds_v4", "standardDDSv4Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256"],
  ["standard_d#as_v4", "standardDASv4Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#_v5", "standardDv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#s_v5", "standardDSv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#ds_v5", "standardDDSv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#as_v5", "standardDASv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#ads_v5", "standardDADSv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:256 96:96:384"],
  ["standard_d#ps_v5", "standardDPSv5Family", "2:2:8 4:4:16 8:8:32 16:16:64 32:32:128 48:48:192 64:64:208"],
  ["standard_dc#s_v2", "standardDCSv2Family", "1:1:4 2:2:8 4:4:16 8:8:32"],
  ["standard_e#_v3", "standardEv3Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:432"],
  ["standard_e#s_v3", "standardESv3Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:432"],
  ["standard_e#s_v4", "standardESv4Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:504"],
  ["standard_e#ds_v4", "standardEDSv4Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:504"],
  ["standard_e#_v5", "standardEv5Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:512 96:96:672"],
  ["standard_e#s_v5", "standardESv5Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:512 96:96:672"],
  ["standard_e#ds_v5", "standardEDSv5Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:512 96:96:672"],
  ["standard_e#as_v5", "standardEASv5Family", "2:2:16 4:4:32 8:8:64 16:16:128 20:20:160 32:32:256 48:48:384 64:64:512 96:96:672"],
  ["standard_f#", "standardFFamily", "1:1:2 2:2:4 4:4:8 8:8:16 16:16:32"],
  ["standard_f#s", "standardFSFamily", "1:1:2 2:2:4 4:4:8 8:8:16 16:16:32"],
  ["standard_f#s_v2", "standardFSv2Family", "2:2:4 4:4:8 8:8:16 16:16:32 32:32:64 48:48:96 64:64:128 72:72:144"],
  ["standard_g#", "standardGFamily", "1:2:28 2:4:56 3:8:112 4:16:224 5:32:448"],
  ["standard_h#", "standardHFamily", "8:8:56 16:16:112 8m:8:112 16m:16:224 16r:16:112 16mr:16:224"],
  ["standard_hb#", "standardHBSFamily", "60rs:60:228"],
  ["standard_hb#", "standardHBrsv2Family", "120rs_v2:120:456"],
  ["standard_hb#", "standardHBv3Family", "120rs_v3:120:448"],
  ["standard_hc#", "standardHCSFamily", "44rs:44:352"],
  ["standard_l#s_v2", "standardLSv2Family", "8:8:64 16:16:128 32:32:256 48:48:384 64:64:512 80:80:640"],
  ["standard_m#", "standardMSFamily", "64s:64:1024 64ms:64:1792 128s:128:2048 128ms:128:3892"],
  ["standard_nc#", "standardNCFamily", "6:6:56 12:12:112 24:24:224 24r:24:224"],
  ["standard_nc#s_v3", "standardNCSv3Family", "6:6:112 12:12:224 24:24:448"],
  ["standard_nc#as_t4_v3", "standardNCASv3_T4Family", "4:4:28 8:8:56 16:16:110 64:64:440"],
  ["standard_nd#s", "standardNDSFamily", "6:6:112 12:12:224 24:24:448"],
  ["standard_nv#", "standardNVFamily", "6:6:56 12:12:112 24:24:224"],
  ["standard_nv#s_v3", "standardNVSv3Family", "12:12:112 24:24:224 48:48:448"],
  // Cloud Services sizes, which pools of old api-versions name.
  ["#", "standardA0_A7Family", "extrasmall:1:0.75 small:1:1.75 medium:2:3.5 large:4:7 extralarge:8:14"],
  ["a#", "standardA0_A7Family", "1:1:1.75 2:2:3.5 3:4:7 4:8:14 5:2:14 6:4:28 7:8:56 8:8:56 9:16:112 10:8:56 11:16:112"],
];

const known: ReadonlyMap<string, VmSize> = new Map(
  series.flatMap(([pattern, family, entries]) =>
    entries.split(" ").map((entry) => {
      const [variant, cores, memoryGiB] = entry.split(":");
      const name = pattern.replace("#", variant!);
      return [name, { name, cores: Number(cores), memoryGiB: Number(memoryGiB), family }] as const;
    }),
  ),
);

/** All of the table, in its order. */
export const vmSizes: readonly VmSize[] = [...known.values()];

/** Their families, each once. */
export const vmFamilies: readonly string[] = [...new Set(vmSizes.map(({ family }) => family))];

/** A series, its number of cores, for constrained sizes the cores left of it (`e8-2s`), features and a generation. */
const wellFormed = /^(standard|basic)_([a-z]{1,8})(\d{1,3})(?:-(\d{1,3}))?([a-z]{0,8})((?:_[a-z0-9]{1,12}){0,3})$/;

/**
 * The size of that name in any case, or undefined when it cannot be one. A name that is not in the table but is built like
 * Azure's is read: its number is the cores, and memory is taken as 4 GiB a core, because Azure adds sizes faster than a table can follow.
 */
export const vmSizeOf = (name: string): VmSize | undefined => {
  const lower = name.toLowerCase();
  const listed = known.get(lower);
  if (listed !== undefined) return listed;
  const match = wellFormed.exec(lower);
  if (match === null) return undefined;
  const cores = Number(match[4] ?? match[3]);
  if (cores < 1 || cores > 960) return undefined;
  return {
    name: lower,
    cores,
    memoryGiB: cores * 4,
    family: `standard${match[2]!.toUpperCase()}${match[5]!.toUpperCase()}${match[6]!.slice(1)}Family`,
  };
};

/** How many task slots a node of so many cores may offer. */
export const mostTaskSlots = (cores: number): number => Math.min(4 * cores, 256);
