// Knex.js, as the README of the package pgvector shows it.
import assert from 'node:assert/strict';
import test from 'node:test';
import Knex from 'knex';
import pgvector from 'pgvector/knex';
import { SparseVector } from 'pgvector';
import { bits, embeddings, extension, freshDatabase, ids, nearest } from './support.mjs';

test('Knex.js', async () => {
  const knex = Knex({ client: 'pg', connection: await freshDatabase('client_knex') });
  try {
    await knex.schema.createExtensionIfNotExists(extension);
    await knex.schema.createTable('items', (table) => {
      table.increments('id');
      table.vector('embedding', 3);
      table.halfvec('half_embedding', 3);
      table.bit('binary_embedding', { length: 3 });
      table.sparsevec('sparse_embedding', 3);
    });
    await knex('items').insert(embeddings.map((values, i) => ({
      embedding: pgvector.toSql(values),
      half_embedding: pgvector.toSql(values),
      binary_embedding: bits[i],
      sparse_embedding: pgvector.toSql(new SparseVector(values)),
    })));
    const check = async () => {
      const searches = [
        knex.l2Distance('embedding', [1, 1, 1]), knex.l1Distance('embedding', [1, 1, 1]),
        knex.l2Distance('half_embedding', [1, 1, 1]), knex.l2Distance('sparse_embedding', new SparseVector([1, 1, 1])),
        knex.hammingDistance('binary_embedding', '101'), knex.jaccardDistance('binary_embedding', '101'),
      ];
      for (const distance of searches) {
        const found = await knex('items').orderBy(distance).limit(5);
        assert.deepEqual(ids(found), nearest, distance.toString());
        assert.deepEqual(found.map((row) => pgvector.fromSql(row.embedding)), nearest.map((id) => embeddings[id - 1]));
      }
      assert.equal(ids(await knex('items').orderBy(knex.maxInnerProduct('embedding', [1, 1, 1])).limit(1))[0], 2);
      assert.equal(ids(await knex('items').orderBy(knex.cosineDistance('embedding', [1, 1, 2])).limit(1))[0], 3);
    };
    await check();
    await knex.schema.alterTable('items', (table) => {
      table.index(knex.raw('embedding vector_l2_ops'), 'index_name', 'hnsw');
    });
    await check();
  } finally {
    await knex.destroy();
  }
});
