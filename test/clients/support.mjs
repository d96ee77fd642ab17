// A database of its own for each test, and the rows and answers that all of them expect.
import assert from 'node:assert/strict';
import pg from 'pg';

// The one thing that is not as in the clients' documentation. EXTENSION=vector runs the tests against pgvector, or against
// medvec under that name.
export const extension = process.env.EXTENSION ?? 'medvec';

// The server is the one that PGHOST, PGPORT and PGUSER name.
export async function freshDatabase(name) {
  const client = new pg.Client({ database: 'postgres' });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${name}`);
  await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  await client.end();
  return { host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, database: name };
}

// Rows 1 to 3 of the tables, and the order in which a query for 1,1,1 (bits 101) has them.
export const embeddings = [[1, 1, 1], [2, 2, 2], [1, 1, 2]];
export const bits = ['101', '010', '111'];
export const nearest = [1, 3, 2];

// For the query 1,1,4: each metric's operator, operator class, nearest row and distances from the nearest on.
export const query = [1, 1, 4];
export const metrics = [
  { operator: '<->', opclass: 'l2', first: 3, distances: [2, Math.sqrt(6), 3] },
  { operator: '<#>', opclass: 'ip', first: 2, distances: [-12, -10, -6] },
  { operator: '<=>', opclass: 'cosine', first: 3, distances: [1 - 10 / Math.sqrt(108), 1 - 6 / Math.sqrt(54), 1 - 6 / Math.sqrt(54)] },
  { operator: '<+>', opclass: 'l1', first: 3, distances: [2, 3, 4] },
];

// For the bits 101.
export const bitMetrics = [
  { operator: '<~>', opclass: 'hamming', distances: [0, 1, 3] },
  { operator: '<%>', opclass: 'jaccard', distances: [0, 1 / 3, 1] },
];

export const ids = (rows) => rows.map((row) => Number(row.id));

export function close(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${value} is not ${expected[i]}`));
}
