// Drizzle ORM, which brings the types itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import { cosineDistance, hammingDistance, innerProduct, jaccardDistance, l1Distance, l2Distance, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bit, halfvec, pgTable, serial, sparsevec, vector } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { SparseVector } from 'pgvector';
import { bits, embeddings, extension, freshDatabase, ids, nearest } from './support.mjs';

const items = pgTable('items', {
  id: serial('id').primaryKey(),
  embedding: vector('embedding', { dimensions: 3 }),
  halfEmbedding: halfvec('half_embedding', { dimensions: 3 }),
  binaryEmbedding: bit('binary_embedding', { dimensions: 3 }),
  sparseEmbedding: sparsevec('sparse_embedding', { dimensions: 3 }),
});

test('Drizzle ORM', async () => {
  const pool = new pg.Pool(await freshDatabase('client_drizzle'));
  try {
    const db = drizzle({ client: pool });
    await db.execute(sql`CREATE EXTENSION IF NOT EXISTS ${sql.raw(extension)}`);
    await db.execute(sql`CREATE TABLE items (id serial PRIMARY KEY, embedding vector(3), half_embedding halfvec(3),
      binary_embedding bit(3), sparse_embedding sparsevec(3))`);
    await db.insert(items).values(embeddings.map((values, i) => ({
      embedding: values, halfEmbedding: values, binaryEmbedding: bits[i],
      sparseEmbedding: new SparseVector(values).toPostgres(),
    })));
    const search = (distance) => db.select().from(items).orderBy(distance).limit(5);
    const check = async () => {
      assert.deepEqual(ids(await search(l2Distance(items.embedding, [1, 1, 1]))), nearest);
      assert.deepEqual(ids(await search(l1Distance(items.embedding, [1, 1, 1]))), nearest);
      assert.deepEqual(ids(await search(l2Distance(items.halfEmbedding, [1, 1, 1]))), nearest);
      assert.deepEqual(ids(await search(l2Distance(items.sparseEmbedding, '{1:1,2:1,3:1}/3'))), nearest);
      assert.deepEqual(ids(await search(hammingDistance(items.binaryEmbedding, '101'))), nearest);
      assert.deepEqual(ids(await search(jaccardDistance(items.binaryEmbedding, '101'))), nearest);
      assert.equal((await search(innerProduct(items.embedding, [1, 1, 1])))[0].id, 2);
      const [like] = await search(cosineDistance(items.embedding, [1, 1, 2]));
      assert.deepEqual(like, {
        id: 3, embedding: embeddings[2], halfEmbedding: embeddings[2], binaryEmbedding: bits[2], sparseEmbedding: '{1:1,2:1,3:2}/3',
      });
    };
    await check();
    await db.execute(sql`CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)`);
    await check();
  } finally {
    await pool.end();
  }
});
