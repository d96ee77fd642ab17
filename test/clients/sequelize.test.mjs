// Sequelize, as the README of the package pgvector shows it: the index comes with the model.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DataTypes, Sequelize } from 'sequelize';
import pgvector, { cosineDistance, hammingDistance, jaccardDistance, l1Distance, l2Distance, maxInnerProduct } from 'pgvector/sequelize';
import { SparseVector } from 'pgvector';
import { bits, embeddings, extension, freshDatabase, ids, nearest } from './support.mjs';

pgvector.registerTypes(Sequelize);

test('Sequelize', async () => {
  const { host, port, user, database } = await freshDatabase('client_sequelize');
  const connect = () => new Sequelize(database, user, null, { host, port, dialect: 'postgres', logging: false });
  // Sequelize learns the database's types when it first connects, so the extension is created by one that is closed again.
  const first = connect();
  await first.query(`CREATE EXTENSION IF NOT EXISTS ${extension}`);
  await first.close();
  const sequelize = connect();
  try {
    const Item = sequelize.define('Item', {
      embedding: { type: DataTypes.VECTOR(3) },
      halfEmbedding: { type: DataTypes.HALFVEC(3) },
      binaryEmbedding: { type: 'BIT(3)' },
      sparseEmbedding: { type: DataTypes.SPARSEVEC(3) },
    }, {
      timestamps: false,
      indexes: [
        { fields: ['embedding'], using: 'hnsw', operator: 'vector_l2_ops' },
        { fields: ['halfEmbedding'], using: 'hnsw', operator: 'halfvec_l2_ops' },
        { fields: ['sparseEmbedding'], using: 'hnsw', operator: 'sparsevec_l2_ops' },
        { fields: ['binaryEmbedding'], using: 'hnsw', operator: 'bit_jaccard_ops' },
      ],
    });
    await Item.sync({ force: true });
    for (const [i, values] of embeddings.entries()) {
      await Item.create({
        embedding: values, halfEmbedding: values, binaryEmbedding: bits[i], sparseEmbedding: new SparseVector(values),
      });
    }
    const search = (distance) => Item.findAll({ order: distance, limit: 5 });
    assert.deepEqual(ids(await search(l2Distance('embedding', [1, 1, 1], sequelize))), nearest);
    assert.deepEqual(ids(await search(l1Distance('embedding', [1, 1, 1], sequelize))), nearest);
    assert.deepEqual(ids(await search(l2Distance('halfEmbedding', [1, 1, 1], sequelize))), nearest);
    assert.deepEqual(ids(await search(l2Distance('sparseEmbedding', new SparseVector([1, 1, 1]), sequelize))), nearest);
    assert.deepEqual(ids(await search(hammingDistance('binaryEmbedding', '101', sequelize))), nearest);
    assert.deepEqual(ids(await search(jaccardDistance('binaryEmbedding', '101', sequelize))), nearest);
    assert.equal((await search(maxInnerProduct('embedding', [1, 1, 1], sequelize)))[0].id, 2);
    const [like] = await search(cosineDistance('embedding', [1, 1, 2], sequelize));
    assert.equal(like.id, 3);
    assert.deepEqual(like.embedding, embeddings[2]);
    assert.deepEqual(like.halfEmbedding, embeddings[2]);
    assert.deepEqual(like.sparseEmbedding.toArray(), embeddings[2]);
    assert.equal(like.binaryEmbedding, bits[2]);
  } finally {
    await sequelize.close();
  }
});
