// node-postgres, as the README of the package pgvector shows it.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import pg from 'pg';
import pgvector from 'pgvector/pg';
import { SparseVector } from 'pgvector';
import { bitMetrics, bits, close, embeddings, extension, freshDatabase, ids, metrics, nearest, query } from './support.mjs';

let client, config;

before(async () => {
  config = await freshDatabase('client_pg');
  client = new pg.Client(config);
  await client.connect();
  await client.query(`CREATE EXTENSION IF NOT EXISTS ${extension}`);
  await pgvector.registerTypes(client);
});
after(() => client?.end());

test('the steps of the README', async () => {
  await client.query('CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))');
  await client.query('INSERT INTO items (embedding) VALUES ($1), ($2), ($3)', embeddings.map(pgvector.toSql));
  let result = await client.query('SELECT * FROM items ORDER BY embedding <-> $1 LIMIT 5', [pgvector.toSql([1, 1, 1])]);
  assert.deepEqual(ids(result.rows), nearest);
  assert.deepEqual(result.rows.map((row) => row.embedding), nearest.map((id) => embeddings[id - 1]));
  await client.query('CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)');
  await client.query('SET enable_seqscan = off');
  result = await client.query('SELECT * FROM items ORDER BY embedding <-> $1 LIMIT 5', [pgvector.toSql([1, 1, 1])]);
  assert.deepEqual(ids(result.rows), nearest);
});

// Each type that holds vectors: values there and back, every metric, with and without the index of its operator class.
const types = [
  { type: 'vector', make: pgvector.toSql, read: (value) => value },
  { type: 'halfvec', make: pgvector.toSql, read: (value) => value },
  { type: 'sparsevec', make: (values) => pgvector.toSql(new SparseVector(values)), read: (value) => value.toArray() },
];
for (const { type, make, read } of types) {
  test(`${type}: values and metrics`, async () => {
    await client.query(`CREATE TABLE ${type}s (id bigserial PRIMARY KEY, embedding ${type}(3))`);
    await client.query(`INSERT INTO ${type}s (embedding) VALUES ($1), ($2), ($3), (NULL)`, embeddings.map(make));
    const stored = await client.query(`SELECT embedding FROM ${type}s ORDER BY id`);
    assert.deepEqual(stored.rows.slice(0, 3).map((row) => read(row.embedding)), embeddings);
    assert.equal(stored.rows[3].embedding, null);
    for (const { operator, opclass, first, distances } of metrics) {
      const search = async () => {
        const result = await client.query(
          `SELECT id, embedding ${operator} $1 AS distance FROM ${type}s WHERE embedding IS NOT NULL
           ORDER BY embedding ${operator} $1 LIMIT 5`, [make(query)]);
        assert.equal(Number(result.rows[0].id), first, operator);
        close(result.rows.map((row) => row.distance), distances);
      };
      await client.query('SET enable_indexscan = off');
      await search();
      await client.query(`CREATE INDEX nearest ON ${type}s USING hnsw (embedding ${type}_${opclass}_ops)`);
      await client.query('SET enable_indexscan = on');
      const plan = await client.query(`EXPLAIN SELECT id FROM ${type}s ORDER BY embedding ${operator} $1 LIMIT 5`, [make(query)]);
      assert.match(plan.rows.map((row) => row['QUERY PLAN']).join('\n'), /Index Scan using nearest/);
      await search();
      await client.query('DROP INDEX nearest');
    }
    await assert.rejects(client.query(`INSERT INTO ${type}s (embedding) VALUES ($1)`, [make([1, 2])]), { code: '22000' });
  });
}

test('bit: values and metrics', async () => {
  await client.query('CREATE TABLE bits (id bigserial PRIMARY KEY, embedding bit(3))');
  await client.query('INSERT INTO bits (embedding) VALUES ($1), ($2), ($3)', bits);
  for (const { operator, opclass, distances } of bitMetrics) {
    await client.query(`CREATE INDEX nearest ON bits USING hnsw (embedding bit_${opclass}_ops)`);
    const result = await client.query(
      `SELECT *, embedding ${operator} $1 AS distance FROM bits ORDER BY embedding ${operator} $1 LIMIT 5`, ['101']);
    assert.deepEqual(ids(result.rows), nearest);
    assert.deepEqual(result.rows.map((row) => row.embedding), nearest.map((id) => bits[id - 1]));
    close(result.rows.map((row) => row.distance), distances);
    await client.query('DROP INDEX nearest');
  }
});

test('the index definitions that clients rely on', async () => {
  await client.query(`CREATE INDEX ON items USING hnsw ((embedding::halfvec(3)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)`);
  await client.query('CREATE INDEX ON items USING hnsw ((binary_quantize(embedding)::bit(3)) bit_hamming_ops)');
  await client.query('CREATE INDEX ON items USING hnsw ((subvector(embedding, 1, 2)::vector(2)) vector_l2_ops)');
  await client.query('BEGIN');
  await client.query('SET LOCAL hnsw.ef_search = 100');
  await client.query(`SET LOCAL hnsw.iterative_scan = 'relaxed_order'`);
  const result = await client.query(
    `SELECT id FROM (SELECT * FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize($1::vector) LIMIT 20) AS near
     ORDER BY embedding <=> $1 LIMIT 5`, [pgvector.toSql(query)]);
  await client.query('COMMIT');
  assert.equal(result.rows.length, 3);
  assert.equal(Number(result.rows[0].id), 3);
});

test('a pool that registers the types', async () => {
  const pool = new pg.Pool(config);
  pool.on('connect', async (connected) => {
    await pgvector.registerTypes(connected);
  });
  const first = await pool.connect();
  const result = await first.query('SELECT embedding, ARRAY[embedding] AS several FROM items WHERE id = 3');
  first.release();
  await pool.end();
  assert.deepEqual(result.rows[0].embedding, embeddings[2]);
  assert.equal(result.rows[0].several, '{"[1,1,2]"}');
});
