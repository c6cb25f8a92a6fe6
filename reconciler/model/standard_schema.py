"""The standard schemas, for directory data that comes without one, such as LDIF; never the schema of a live server.

From RFC 2079, 2307, 2798, 3112, 4512, 4519, 4524, 4530, the password policy draft, and what Active Directory adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from reconciler.model.matching import CASE_IGNORE, DIRECTORY_STRING, OBJECT_CATEGORY
from reconciler.model.schema import AttributeType, DirectorySchema, ObjectClass, schema_of

_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."

# kind: rules for equality, ordering and substrings, syntax
_KINDS: Mapping[str, tuple[str, str, str, str]] = {
    "string": (CASE_IGNORE[0], "", CASE_IGNORE[2], DIRECTORY_STRING),
    "ordered": (*CASE_IGNORE, DIRECTORY_STRING),
    "word": (CASE_IGNORE[0], "", "", DIRECTORY_STRING),
    "exact": ("caseExactMatch", "", "", DIRECTORY_STRING),
    "ia5": ("caseIgnoreIA5Match", "", "caseIgnoreIA5SubstringsMatch", f"{_SYNTAX}26"),
    "exact_ia5": ("caseExactIA5Match", "", "caseExactIA5SubstringsMatch", f"{_SYNTAX}26"),
    "ia5_word": ("caseIgnoreIA5Match", "", "", f"{_SYNTAX}26"),
    "path": ("caseExactIA5Match", "", "", f"{_SYNTAX}26"),
    "printable": (CASE_IGNORE[0], "", CASE_IGNORE[2], f"{_SYNTAX}44"),
    "qualifier": (*CASE_IGNORE, f"{_SYNTAX}44"),
    "country": (CASE_IGNORE[0], "", CASE_IGNORE[2], f"{_SYNTAX}11"),
    "phone": ("telephoneNumberMatch", "", "telephoneNumberSubstringsMatch", f"{_SYNTAX}50"),
    "numeric": ("numericStringMatch", "", "numericStringSubstringsMatch", f"{_SYNTAX}36"),
    "lines": ("caseIgnoreListMatch", "", "caseIgnoreListSubstringsMatch", f"{_SYNTAX}41"),
    "integer": ("integerMatch", "integerOrderingMatch", "", f"{_SYNTAX}27"),
    "count": ("integerMatch", "", "", f"{_SYNTAX}27"),
    "boolean": ("booleanMatch", "", "", f"{_SYNTAX}7"),
    "time": ("generalizedTimeMatch", "generalizedTimeOrderingMatch", "", f"{_SYNTAX}24"),
    "dn": ("distinguishedNameMatch", "", "", f"{_SYNTAX}12"),
    "unique": ("uniqueMemberMatch", "", "", f"{_SYNTAX}34"),
    "oid": ("objectIdentifierMatch", "", "", f"{_SYNTAX}38"),
    "uuid": ("UUIDMatch", "UUIDOrderingMatch", "", "1.3.6.1.1.16.1"),
    "octets": ("octetStringMatch", "", "", f"{_SYNTAX}40"),
    "bits": ("bitStringMatch", "", "", f"{_SYNTAX}6"),
    "category": (OBJECT_CATEGORY, "", "", f"{_SYNTAX}12"),
    "opaque": ("", "", "", f"{_SYNTAX}5"),
}

# kind and superior, then a type a line: its names, its OIDs
_TYPES = """
: string
name 2.5.4.41 1.2.840.113556.1.4.1
uid userid 0.9.2342.19200300.100.1.1
description 2.5.4.13
street streetAddress 2.5.4.9 1.2.840.113556.1.2.256
businessCategory 2.5.4.15
postalCode 2.5.4.17
postOfficeBox 2.5.4.18
physicalDeliveryOfficeName 2.5.4.19
houseIdentifier 2.5.4.51
info 0.9.2342.19200300.100.1.4
drink favouriteDrink 0.9.2342.19200300.100.1.5
roomNumber 0.9.2342.19200300.100.1.6
userClass 0.9.2342.19200300.100.1.8
host 0.9.2342.19200300.100.1.9
documentIdentifier 0.9.2342.19200300.100.1.11
documentTitle 0.9.2342.19200300.100.1.12
personalTitle 0.9.2342.19200300.100.1.40
co friendlyCountryName 0.9.2342.19200300.100.1.43
organizationalStatus 0.9.2342.19200300.100.1.45
buildingName 0.9.2342.19200300.100.1.48
carLicense 2.16.840.1.113730.3.1.1
departmentNumber 2.16.840.1.113730.3.1.2
employeeNumber 2.16.840.1.113730.3.1.3
employeeType 2.16.840.1.113730.3.1.4
displayName 2.16.840.1.113730.3.1.241 1.2.840.113556.1.2.13
preferredLanguage 2.16.840.1.113730.3.1.39
ipaUniqueID 2.16.840.1.113730.3.8.3.1
nsAccountLock 2.16.840.1.113730.3.1.610
nsUniqueId 2.16.840.1.113730.3.1.542
: word
uniqueIdentifier 0.9.2342.19200300.100.1.44
: string name
cn commonName 2.5.4.3
sn surname 2.5.4.4
l localityName 2.5.4.7
st stateOrProvinceName 2.5.4.8
o organizationName 2.5.4.10
ou organizationalUnitName 2.5.4.11
title 2.5.4.12
givenName gn 2.5.4.42
initials 2.5.4.43
generationQualifier 2.5.4.44
pseudonym 2.5.4.65
: country name
c countryName 2.5.4.6
: printable
serialNumber 2.5.4.5
destinationIndicator 2.5.4.27
: qualifier
dnQualifier 2.5.4.46
: exact
labeledURI 1.3.6.1.4.1.250.1.57
: exact labeledURI
memberURL 2.16.840.1.113730.3.1.198
: ia5
mail rfc822Mailbox 0.9.2342.19200300.100.1.3
dc domainComponent 0.9.2342.19200300.100.1.25
associatedDomain 0.9.2342.19200300.100.1.37
email emailAddress pkcs9email 1.2.840.113549.1.9.1
gecos 1.3.6.1.1.1.1.2
: ia5_word
ipHostNumber 1.3.6.1.1.1.1.19
ipNetworkNumber 1.3.6.1.1.1.1.20
macAddress 1.3.6.1.1.1.1.22
: exact_ia5
memberUid 1.3.6.1.1.1.1.12
memberNisNetgroup 1.3.6.1.1.1.1.13
: path
homeDirectory 1.3.6.1.1.1.1.3
loginShell 1.3.6.1.1.1.1.4
: phone
telephoneNumber 2.5.4.20
homePhone homeTelephoneNumber 0.9.2342.19200300.100.1.20
mobile mobileTelephoneNumber 0.9.2342.19200300.100.1.41
pager pagerTelephoneNumber 0.9.2342.19200300.100.1.42
: numeric
x121Address 2.5.4.24
internationaliSDNNumber 2.5.4.25
: lines
postalAddress 2.5.4.16
homePostalAddress 0.9.2342.19200300.100.1.39
: lines postalAddress
registeredAddress 2.5.4.26
: count
shadowLastChange 1.3.6.1.1.1.1.5
shadowMin 1.3.6.1.1.1.1.6
shadowMax 1.3.6.1.1.1.1.7
shadowWarning 1.3.6.1.1.1.1.8
shadowInactive 1.3.6.1.1.1.1.9
shadowExpire 1.3.6.1.1.1.1.10
shadowFlag 1.3.6.1.1.1.1.11
: integer
uidNumber 1.3.6.1.1.1.1.0
gidNumber 1.3.6.1.1.1.1.1
numSubordinates 1.3.6.1.4.1.453.16.2.103
pwdMaxAge 1.3.6.1.4.1.42.2.27.8.1.3
pwdLockoutDuration 1.3.6.1.4.1.42.2.27.8.1.10
accountExpires 1.2.840.113556.1.4.159
adminCount 1.2.840.113556.1.4.150
badPasswordTime 1.2.840.113556.1.4.49
badPwdCount 1.2.840.113556.1.4.12
codePage 1.2.840.113556.1.4.16
countryCode 1.2.840.113556.1.4.25
groupType 1.2.840.113556.1.4.750
instanceType 1.2.840.113556.1.2.1
lastLogoff 1.2.840.113556.1.4.51
lastLogon 1.2.840.113556.1.4.52
lastLogonTimestamp 1.2.840.113556.1.4.1696
lockoutTime 1.2.840.113556.1.4.662
logonCount 1.2.840.113556.1.4.169
msDS-SupportedEncryptionTypes 1.2.840.113556.1.4.1963
msDS-User-Account-Control-Computed 1.2.840.113556.1.4.1460
msDS-UserPasswordExpiryTimeComputed 1.2.840.113556.1.4.1996
primaryGroupID 1.2.840.113556.1.4.98
pwdLastSet 1.2.840.113556.1.4.96
sAMAccountType 1.2.840.113556.1.4.302
systemFlags 1.2.840.113556.1.4.375
uSNChanged 1.2.840.113556.1.2.120
uSNCreated 1.2.840.113556.1.2.19
userAccountControl 1.2.840.113556.1.4.8
: boolean
hasSubordinates 2.5.18.9
pwdReset 1.3.6.1.4.1.42.2.27.8.1.22
isCriticalSystemObject 1.2.840.113556.1.4.868
isDeleted 1.2.840.113556.1.2.48
msExchHideFromAddressLists
: time
createTimestamp 2.5.18.1
modifyTimestamp 2.5.18.2
pwdAccountLockedTime 1.3.6.1.4.1.42.2.27.8.1.17
pwdChangedTime 1.3.6.1.4.1.42.2.27.8.1.16
pwdFailureTime 1.3.6.1.4.1.42.2.27.8.1.19
pwdGraceUseTime 1.3.6.1.4.1.42.2.27.8.1.21
pwdLastSuccess 1.3.6.1.4.1.42.2.27.8.1.29
pwdStartTime 1.3.6.1.4.1.42.2.27.8.1.27
pwdEndTime 1.3.6.1.4.1.42.2.27.8.1.28
authTimestamp 1.3.6.1.4.1.453.16.2.188
krbPasswordExpiration
krbPrincipalExpiration
whenChanged 1.2.840.113556.1.2.3
whenCreated 1.2.840.113556.1.2.2
: dn
distinguishedName 2.5.4.49
manager 0.9.2342.19200300.100.1.10
documentAuthor 0.9.2342.19200300.100.1.14
secretary 0.9.2342.19200300.100.1.21
associatedName 0.9.2342.19200300.100.1.38
aliasedObjectName aliasedEntryName 2.5.4.1
creatorsName 2.5.18.3
modifiersName 2.5.18.4
subschemaSubentry 2.5.18.10
entryDN 1.3.6.1.1.20
memberOf 1.2.840.113556.1.2.102
pwdPolicySubentry 1.3.6.1.4.1.42.2.27.8.1.23
assistant 1.2.840.113556.1.4.652
directReports 1.2.840.113556.1.2.436
managedBy 1.2.840.113556.1.4.653
managedObjects 1.2.840.113556.1.4.654
showInAddressBook 1.2.840.113556.1.4.644
submember
: dn distinguishedName
member 2.5.4.31
owner 2.5.4.32
roleOccupant 2.5.4.33
seeAlso 2.5.4.34
: unique
uniqueMember 2.5.4.50
: oid
objectClass 2.5.4.0
structuralObjectClass 2.5.21.9
supportedControl 1.3.6.1.4.1.1466.101.120.13
: uuid
entryUUID 1.3.6.1.1.16.4
: octets
userPassword 2.5.4.35
sshPublicKey 1.3.6.1.4.1.24552.500.1.1.1.13
entryCSN 1.3.6.1.4.1.4203.666.1.7
pwdHistory 1.3.6.1.4.1.42.2.27.8.1.20
objectGUID 1.2.840.113556.1.4.2
objectSid 1.2.840.113556.1.4.146
sIDHistory 1.2.840.113556.1.4.609
thumbnailPhoto 2.16.840.1.113730.3.1.35
tokenGroups 1.2.840.113556.1.4.1301
: bits
x500UniqueIdentifier 2.5.4.45
: opaque
audio 0.9.2342.19200300.100.1.55
facsimileTelephoneNumber fax 2.5.4.23
jpegPhoto 0.9.2342.19200300.100.1.60
nisNetgroupTriple 1.3.6.1.1.1.1.14
photo 0.9.2342.19200300.100.1.7
preferredDeliveryMethod 2.5.4.28
telexNumber 2.5.4.21
userPKCS12 2.16.840.1.113730.3.1.216
userSMIMECertificate 2.16.840.1.113730.3.1.40
userCertificate 2.5.4.36
: category
objectCategory 1.2.840.113556.1.4.782
: ordered
company 1.2.840.113556.1.2.146
department 1.2.840.113556.1.2.141
division 1.2.840.113556.1.4.261
dNSHostName 1.2.840.113556.1.4.619
employeeID 1.2.840.113556.1.4.35
extensionAttribute1 1.2.840.113556.1.2.423
extensionAttribute2 1.2.840.113556.1.2.424
extensionAttribute3 1.2.840.113556.1.2.425
extensionAttribute4 1.2.840.113556.1.2.426
extensionAttribute5 1.2.840.113556.1.2.427
extensionAttribute6 1.2.840.113556.1.2.428
extensionAttribute7 1.2.840.113556.1.2.429
extensionAttribute8 1.2.840.113556.1.2.430
extensionAttribute9 1.2.840.113556.1.2.431
extensionAttribute10 1.2.840.113556.1.2.432
extensionAttribute11 1.2.840.113556.1.2.599
extensionAttribute12 1.2.840.113556.1.2.600
extensionAttribute13 1.2.840.113556.1.2.601
extensionAttribute14 1.2.840.113556.1.2.602
extensionAttribute15 1.2.840.113556.1.2.603
homeDrive 1.2.840.113556.1.4.45
ipPhone 1.2.840.113556.1.4.721
legacyExchangeDN 1.2.840.113556.1.4.655
mailNickname 1.2.840.113556.1.2.447
middleName 2.16.840.1.113730.3.1.34
operatingSystem 1.2.840.113556.1.4.363
profilePath 1.2.840.113556.1.4.139
proxyAddresses 1.2.840.113556.1.2.210
sAMAccountName 1.2.840.113556.1.4.221
scriptPath 1.2.840.113556.1.4.62
servicePrincipalName 1.2.840.113556.1.4.771
targetAddress 1.2.840.113556.1.2.352
userPrincipalName 1.2.840.113556.1.4.656
userWorkstations 1.2.840.113556.1.4.86
wWWHomePage 1.2.840.113556.1.2.464
"""

# name, superiors after ":", required attributes after "!"
_CLASSES = """
top ! objectClass
person : top ! sn cn
organizationalPerson : person
inetOrgPerson : organizationalPerson
residentialPerson : person ! l
organizationalRole : top ! cn
groupOfNames : top ! cn member
groupOfUniqueNames : top ! cn uniqueMember
groupOfURLs : top ! cn
groupOfMembers : top ! cn
organization : top ! o
organizationalUnit : top ! ou
country : top ! c
locality : top
device : top ! cn
applicationProcess : top ! cn
alias : top ! aliasedObjectName
dcObject : top ! dc
uidObject : top ! uid
domain : top ! dc
domainRelatedObject : top ! associatedDomain
friendlyCountry : country ! co
account : top ! uid
document : top ! documentIdentifier
simpleSecurityObject : top ! userPassword
labeledURIObject : top
extensibleObject : top
posixAccount : top ! cn uid uidNumber gidNumber homeDirectory
shadowAccount : top ! uid
posixGroup : top ! cn gidNumber
nisNetgroup : top ! cn
ieee802Device : top
ipHost : top ! cn ipHostNumber
ldapPublicKey : top
pwdPolicy : top
ipaObject : top ! ipaUniqueID
user : organizationalPerson
computer : user
contact : organizationalPerson
msDS-ManagedServiceAccount : computer
msDS-GroupManagedServiceAccount : computer
group : top ! groupType
securityPrincipal : top ! objectSid sAMAccountName
mailRecipient : top
foreignSecurityPrincipal : top ! objectSid
container : top ! cn
builtinDomain : top
domainDNS : domain
"""


@cache
def standard_schema() -> DirectorySchema:
    """Return the table; made at the first call. A name that is not in it is no error: nobody knows that it is wrong."""
    return schema_of(_attribute_types(), _object_classes(), from_server=False, bit_rules=True)


def _attribute_types() -> Iterator[AttributeType]:
    kind = superior = ""
    for line in _TYPES.strip().splitlines():
        if line.startswith(":"):
            kind, _, superior = line.removeprefix(": ").partition(" ")
        else:
            name, *aliases = line.split()
            yield AttributeType(name, tuple(aliases), *_KINDS[kind], superior=superior)


def _object_classes() -> Iterator[ObjectClass]:
    for line in _CLASSES.strip().splitlines():
        known, _, must = line.partition("!")
        name, _, superiors = known.partition(":")
        yield ObjectClass(name.strip(), (), tuple(superiors.split()), tuple(must.split()))
