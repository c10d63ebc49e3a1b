// Who owns an object of any kind that expressions name. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
}

namespace softdelete::pg::compat {

// 16 has one function for all.
inline bool owns_object(const ObjectAddress &object, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(object.classId, object.objectId, role);
#else
    switch (object.classId) {
    case RelationRelationId:
        return pg_class_ownercheck(object.objectId, role);
    case ProcedureRelationId:
        return pg_proc_ownercheck(object.objectId, role);
    case OperatorRelationId:
        return pg_oper_ownercheck(object.objectId, role);
    case TypeRelationId:
        return pg_type_ownercheck(object.objectId, role);
    case CollationRelationId:
        return pg_collation_ownercheck(object.objectId, role);
    case TSConfigRelationId:
        return pg_ts_config_ownercheck(object.objectId, role);
    case TSDictionaryRelationId:
        return pg_ts_dict_ownercheck(object.objectId, role);
    case NamespaceRelationId:
        return pg_namespace_ownercheck(object.objectId, role);
    case ExtensionRelationId:
        return pg_extension_ownercheck(object.objectId, role);
    default:
        return false;
    }
#endif
}

} // namespace softdelete::pg::compat
