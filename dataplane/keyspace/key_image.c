#include "dataplane/keyspace/key_image.h"
#include "dataplane/keyspace/joint.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/object.h"

enum { NODES_NOW = 16 };

static struct key_image *image_new(struct keyspace *k, uint32_t db, const struct key *key,
                                   size_t value_bytes)
{
    size_t bytes = sizeof(struct key_image) + key->name.size + value_bytes;
    struct key_image *i = heap_take(k->heap, bytes, HEAP_SCRIPTS);
    *i = (struct key_image){
        .hash = key->hash, .key_size = key->name.size, .db = db, .bytes = (uint32_t)bytes
    };
    if (i->key_size) memcpy(i->text, key->name.data, i->key_size);
    return i;
}

struct key_image *key_image_take(struct keyspace *k, uint32_t db, const struct key *key,
                                 size_t buffer_bytes_max)
{
    k = home_of(k, key);
    const struct entry *e = table_find(keyspace_table(k, db), key);
    if (!e) return image_new(k, db, key, 0);
    if (e->has_blob && entry_blob(e)->size > buffer_bytes_max) return NULL;
    struct value v = entry_value(e);
    if (v.object) v.object = v.object->ops->copy(v.object, k);
    struct key_image *i = image_new(k, db, key, v.size);
    i->existed = true;
    i->deadline_ms = entry_deadline_ms(e);
    i->value = (struct image_value){ v.type, v.encoding, v.access, v.size, v.blob, v.object };
    if (v.size) memcpy(i->text + i->key_size, v.bytes, v.size);
    return i;
}

static void free_image(struct keyspace *k, struct key_image *i)
{
    heap_give(k->heap, i, i->bytes, HEAP_SCRIPTS);
}

void key_image_restore(struct keyspace *k, struct key_image *i)
{
    struct key key = { key_image_name(i), i->hash };
    k = home_of(k, &key);
    struct table *t = keyspace_table(k, i->db);
    struct entry *now = table_find(t, &key);
    if (i->existed) {
        struct value v = { .type = (enum value_type)i->value.type,
                           .encoding = (enum value_encoding)i->value.encoding,
                           .access = i->value.access,
                           .blob = i->value.blob,
                           .object = i->value.object,
                           .bytes = i->text + i->key_size,
                           .size = i->value.size,
                           .given = i->value.size };
        keyspace_table_put(k, t, &key, now, &v, i->deadline_ms);
        k->dirty++;
    } else if (now) {
        keyspace_table_remove(k, t, key.hash, now);
        k->dirty++;
    }
    free_image(k, i);
}

void key_image_drop(struct keyspace *k, struct key_image *i)
{
    k = keyspace_home(k, key_image_name(i));
    if (i->value.blob) blob_release(i->value.blob);
    if (i->value.object) {
        i->value.object->ops->close(i->value.object, k);
        // The nodes that were copied on its account are the last that the reaper got: given back
        // now, while they are in the cache, they serve for the next copies.
        reaper_step(&k->reaper, NODES_NOW);
    }
    free_image(k, i);
}
