#include <signal.h>
#include "tests/unit/acl/catalog.h"

TestSuite(acl_users, .init = open_users, .fini = close_users);

Test(acl_users, keeps_users_by_name)
{
    static const char *const names[] = { "m", "a", "zz", "z", "", "\xff", "defaul", "defaultt" };
    for (uint32_t i = 0; i < 8; i++) acl_users_add(&users, bytes_text(names[i]));
    cr_assert(eq(u32, users.count, 9));
    for (uint32_t i = 1; i < users.count; i++) {
        struct bytes a = users.users[i - 1]->name, b = users.users[i]->name;
        char left[16], right[16];
        snprintf(left, sizeof left, "%.*s", (int)a.size, a.size ? (const char *)a.data : "");
        snprintf(right, sizeof right, "%.*s", (int)b.size, (const char *)b.data);
        cr_expect(strcmp(left, right) < 0);
    }
    for (uint32_t i = 0; i < 8; i++) {
        struct acl_user *u = acl_users_find(&users, bytes_text(names[i]));
        cr_assert(u && bytes_equal(u->name, bytes_text(names[i])));
        if (i % 2) acl_users_remove(&users, u);
    }
    EXPECT(!acl_users_find(&users, bytes_text("a")) && acl_users_find(&users, bytes_text("m")));
    EXPECT(!acl_users_find(&users, bytes_text("Default")));
}

Test(acl_users, removes_no_default_user, .signal = SIGABRT)
{
    acl_users_remove(&users, users.default_user);
}

Test(acl_users, gives_the_default_user_a_password_or_takes_it)
{
    struct acl_user *u = users.default_user;
    cr_expect(acl_user_lets_in(u, bytes_text("x")));
    acl_users_require(&users, bytes_text("secret"));
    EXPECT(!acl_user_lets_in(u, bytes_text("x")) && acl_user_lets_in(u, bytes_text("secret")));
    cr_expect(u->is_unrestricted);
    acl_users_require(&users, bytes_text("other"));
    EXPECT(!acl_user_lets_in(u, bytes_text("secret")));
    acl_users_require(&users, bytes_text(""));
    cr_expect(acl_user_lets_in(u, bytes_text("x")));
}

Test(acl_users, swaps_all_users_in_place)
{
    struct acl_users other;
    struct acl_user *was = acl_users_add(&users, bytes_text("was"));
    acl_users_open(&other, &heap, &catalog, true);
    struct acl_user *is = acl_users_add(&other, bytes_text("is"));
    acl_users_swap(&users, &other);
    cr_expect(acl_users_find(&users, bytes_text("is")) == is);
    cr_expect(acl_users_find(&other, bytes_text("was")) == was);
    cr_expect(is->context == &users.context && was->context == &other.context);
    acl_users_close(&other);
}

Test(acl_users, gives_new_selectors_all_channels_when_asked)
{
    users.context.new_have_channels = true;
    cr_expect(eq(str, (char *)made_of(""), (char *)"off sanitize-payload &* -@all"));
    cr_expect(eq(str, (char *)made_of("resetchannels|reset|(~a)"),
                 (char *)"off sanitize-payload &* -@all (~a &* -@all)"));
    cr_expect(strstr(made_of("&a"), "'allchannels' flag") != NULL);
}
