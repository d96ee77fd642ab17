// Kysely, as the README of the package pgvector shows it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import pgvector, { cosineDistance, hammingDistance, jaccardDistance, l1Distance, l2Distance, maxInnerProduct } from 'pgvector/kysely';
import { SparseVector } from 'pgvector';
import { bits, embeddings, extension, freshDatabase, ids, nearest } from './support.mjs';

test('Kysely', async () => {
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool(await freshDatabase('client_kysely')) }) });
  try {
    await sql`CREATE EXTENSION IF NOT EXISTS ${sql.raw(extension)}`.execute(db);
    await db.schema.createTable('items')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('embedding', sql`vector(3)`)
      .addColumn('half_embedding', sql`halfvec(3)`)
      .addColumn('binary_embedding', sql`bit(3)`)
      .addColumn('sparse_embedding', sql`sparsevec(3)`)
      .execute();
    await db.insertInto('items').values(embeddings.map((values, i) => ({
      embedding: pgvector.toSql(values),
      half_embedding: pgvector.toSql(values),
      binary_embedding: bits[i],
      sparse_embedding: pgvector.toSql(new SparseVector(values)),
    }))).execute();
    const search = async (distance) => ids(await db.selectFrom('items').selectAll().orderBy(distance).limit(5).execute());
    const check = async () => {
      assert.deepEqual(await search(l2Distance('embedding', [1, 1, 1])), nearest);
      assert.deepEqual(await search(l1Distance('embedding', [1, 1, 1])), nearest);
      assert.deepEqual(await search(l2Distance('half_embedding', [1, 1, 1])), nearest);
      assert.deepEqual(await search(l2Distance('sparse_embedding', new SparseVector([1, 1, 1]))), nearest);
      assert.deepEqual(await search(hammingDistance('binary_embedding', '101')), nearest);
      assert.deepEqual(await search(jaccardDistance('binary_embedding', '101')), nearest);
      assert.equal((await search(maxInnerProduct('embedding', [1, 1, 1])))[0], 2);
      assert.equal((await search(cosineDistance('embedding', [1, 1, 2])))[0], 3);
      const within = await db.selectFrom('items').selectAll().where(l2Distance('embedding', [1, 1, 1]), '<', 1.5).execute();
      assert.deepEqual(ids(within).sort(), [1, 3]);
    };
    await check();
    await db.schema.createIndex('index_name').on('items').using('hnsw').expression(sql`embedding vector_l2_ops`).execute();
    await check();
  } finally {
    await db.destroy();
  }
});
