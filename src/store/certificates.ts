// Certificates in the database, and the guards between them and the pools that name them: no pool is committed with a certificate that is
// not active, and no certificate goes while a pool names it, whatever happens at the same time.
import type { Certificate, CertificateState } from "../domain/certificates.ts";
import { oneOf, type Reader, type Sql, type SqlValue, sql, type Write, write } from "./db.ts";
import { comparisons, equality, type FilterColumns, idOperators } from "./filter.ts";
import { jsonOrNull, type ListPage, pageOf, slices } from "./lists.ts";

type CertificateRow = {
  account_id: number;
  key: string;
  thumbprint: string;
  thumbprint_algorithm: string;
  format: Certificate["format"];
  data: string;
  password: string | null;
  public_data: string | null;
  state: CertificateState;
  state_changed_at: number;
  previous_state: CertificateState | null;
  previous_state_changed_at: number | null;
  delete_error: string | null;
  generation: number;
};

const certificateFromRow = (row: CertificateRow): Certificate => {
  const certificate: Certificate = {
    accountId: row.account_id,
    key: row.key,
    thumbprint: row.thumbprint,
    thumbprintAlgorithm: row.thumbprint_algorithm,
    format: row.format,
    data: row.data,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    generation: row.generation,
  };
  if (row.password !== null) certificate.password = row.password;
  if (row.public_data !== null) certificate.publicData = row.public_data;
  if (row.previous_state !== null) certificate.previousState = row.previous_state;
  if (row.previous_state_changed_at !== null) certificate.previousStateChangedAt = row.previous_state_changed_at;
  if (row.delete_error !== null) certificate.deleteError = JSON.parse(row.delete_error);
  return certificate;
};

/** In the order of the SET list of `saveCertificate`; `insertCertificate` uses the same. */
const changingValues = (certificate: Certificate): SqlValue[] => [
  certificate.state,
  certificate.stateChangedAt,
  certificate.previousState ?? null,
  certificate.previousStateChangedAt ?? null,
  jsonOrNull(certificate.deleteError),
];

export const getCertificate = async (read: Reader, accountId: number, key: string): Promise<Certificate | undefined> => {
  const row = await read.get<CertificateRow>(sql`SELECT * FROM certificates WHERE account_id = ${accountId} AND key = ${key}`);
  return row && certificateFromRow(row);
};

/** In order of key. */
export const listCertificates = async (read: Reader, page: ListPage & { accountId: number }): Promise<Certificate[]> =>
  (
    await read.all<CertificateRow>(
      sql`SELECT * FROM certificates WHERE account_id = ${page.accountId}${pageOf("key", page, certificateColumns)}`,
    )
  ).map(certificateFromRow);

/** The states of those that exist, by key. */
export const certificateStatesOf = async (
  read: Reader,
  accountId: number,
  keys: readonly string[],
): Promise<Map<string, { state: CertificateState }>> => {
  const states = new Map<string, { state: CertificateState }>();
  for (const some of slices([...new Set(keys)])) {
    const rows = await read.all<{ key: string; state: CertificateState }>(
      sql`SELECT key, state FROM certificates WHERE account_id = ${accountId} AND key IN (${oneOf(some)})`,
    );
    for (const { key, state } of rows) states.set(key, { state });
  }
  return states;
};

/** Those that a deletion is under way of, of all accounts. */
export const deletingCertificates = (read: Reader): Promise<{ accountId: number; key: string }[]> =>
  read.all(sql`SELECT account_id AS accountId, key FROM certificates WHERE state = 'deleting' ORDER BY account_id, key`);

/** Conflict when it is there already. */
export const insertCertificate = (certificate: Certificate): Write[] => [
  {
    text: `INSERT INTO certificates (state, state_changed_at, previous_state, previous_state_changed_at, delete_error, account_id, key,
      thumbprint, thumbprint_algorithm, format, data, password, public_data, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [
      [
        ...changingValues(certificate),
        certificate.accountId,
        certificate.key,
        certificate.thumbprint,
        certificate.thumbprintAlgorithm,
        certificate.format,
        certificate.data,
        certificate.password ?? null,
        certificate.publicData ?? null,
        certificate.generation,
      ],
    ],
    guard: 1,
  },
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const saveCertificate = (certificate: Certificate): Write[] => [
  {
    text: `UPDATE certificates SET state = ?, state_changed_at = ?, previous_state = ?, previous_state_changed_at = ?, delete_error = ?,
      generation = generation + 1 WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(certificate), certificate.accountId, certificate.key, certificate.generation]],
    guard: 1,
  },
];

/** Other data for the same thumbprint, guarded likewise. */
export const saveCertificateData = (certificate: Certificate): Write[] => [
  {
    text: `UPDATE certificates SET format = ?, data = ?, password = ?, public_data = ?, generation = generation + 1
      WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [
      [
        certificate.format,
        certificate.data,
        certificate.password ?? null,
        certificate.publicData ?? null,
        certificate.accountId,
        certificate.key,
        certificate.generation,
      ],
    ],
    guard: 1,
  },
];

/** Pools whose certificate references name it, by the key that domain/certificates.ts makes of algorithm and thumbprint. */
const poolsNaming = ({ accountId, key }: Pick<Certificate, "accountId" | "key">): Sql =>
  sql`FROM pools, json_each(pools.spec, '$.certificateReferences') AS reference WHERE pools.account_id = ${accountId}
      AND lower(json_extract(reference.value, '$.thumbprintAlgorithm') || '-' ||
        replace(replace(json_extract(reference.value, '$.thumbprint'), ' ', ''), char(8206), '')) = ${key}`;

/** Reads every pool of the account: only for the deletion of a certificate. In order of key, 100 at most. */
export const poolsWithCertificate = async (read: Reader, certificate: Pick<Certificate, "accountId" | "key">): Promise<string[]> =>
  (await read.all<{ id: string }>(sql`SELECT DISTINCT pools.id ${poolsNaming(certificate)} ORDER BY pools.key LIMIT 100`)).map(
    (row) => row.id,
  );

/** Conflict when a pool names it. */
export const removeCertificate = (certificate: Certificate): Write[] => [
  write(
    sql`DELETE FROM certificates WHERE account_id = ${certificate.accountId} AND key = ${certificate.key}
        AND generation = ${certificate.generation} AND NOT EXISTS (SELECT 1 ${poolsNaming(certificate)})`,
    1,
  ),
];

/** Changes nothing, but the batch it is in fails with a Conflict unless all of these certificates are active. */
export const checkCertificatesActive = (accountId: number, keys: readonly string[]): Write[] =>
  keys.length === 0
    ? []
    : [
        {
          text: "UPDATE certificates SET generation = generation WHERE account_id = ? AND key = ? AND state = 'active'",
          rows: [...new Set(keys)].map((key) => [accountId, key]),
          guard: 1,
        },
      ];

/** What $filter of Certificate_List offers (reference: errors-and-http section 4). */
export const certificateFilterColumns = {
  state: { type: "string", operators: equality, expression: "state", stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
} as const satisfies FilterColumns;

/** The management plane names certificates by their keys and filters by that, too. */
const certificateColumns = {
  ...certificateFilterColumns,
  name: { type: "string", operators: idOperators, expression: "key", stored: "lower" },
} as const satisfies FilterColumns;
