from __future__ import annotations

import pytest

from drift_mcp.scan.sensitivity import classify

SENSITIVE = {
    "auth": """
        password passwd pwd passphrase userPassword hashed_password password_hash passwordHash PASSWORD
        encrypted_password password1 proxyPassword accessToken access_token refreshToken api_key apiKey apikey
        APIKey client_secret clientSecret secret_key privateKey sessionToken session_key reset_token
        resetPasswordToken verificationCode totp_secret otp_secret mfaSecret recovery_codes securityAnswer
        secretCode hashedKey jwt token registrationToken webhook_secret authChallenge ssh_key credential pin
    """,
    "financial": """
        card_number cardNumber creditCard credit_card_number cc_number cvv cvc iban bank_account
        bankAccountNumber account_number routing_number sort_code swiftCode salary adjusted_salary tax_id
        taxId credit_score net_worth income accountBalance card_holder_name last_four balance payroll
    """,
    "health": """
        diagnosis diagnoses medicalRecordNumber medical_history mrn blood_type bloodPressure prescription
        medications allergies health_insurance_number patient_id disability is_pregnant hasAllergy hiv_status
        heart_rate icdCode mentalHealth insurance_number
    """,
    "pii": """
        email e_mail emailAddress owner_email contactEmail emails phone phone_number phoneNumber phone1
        mobile_phone office_phone firstName first_name FirstName firstname last_name lastName surname
        middle_name fullName maiden_name birth_date birthDate birthday date_of_birth dateOfBirth dob ssn
        social_security_number SSN socialSecurity passportNumber drivers_license national_id nationality
        gender ethnicity religion maritalStatus street_address homeAddress address address1 billing_address
        zipcode zipCode zip postal_code PostCode memberId ip_address lastIp username userName displayName
        nick_name license_plate emergency_contact email_list user_email_field
    """,
    "custom": "confidential encrypted_notes private_note",
}

HARMLESS = """
        id uuid name title description status state type kind color price amount quantity currency symbol isin
        created_at updatedAt company rating active className capacity secretary datespan companies class_name
        starting passengers assessment classno discipline opinion spinning mapping panel expand companyId
        activity native relative native_binding divan captain panorama pinned pinCount pin_x shipping tinyint
        martini accessible accessory author authority authored_at keyboard keyword monkey primary_key
        foreign_key cache_key sort_key public_key credentialPublicKey credentialId key hash value tokenizer
        token_count tokenType tokenExpiry max_tokens promptTokens totalTokens password_changed_at
        passwordPolicy password_enabled password_min_length is_password_set has_password requirePassword
        require_mfa secret_version last_mfa_time email_verified emailVerifiedAt is_email_confirmed
        email_template_type email_count email_subject emailsSent send_email phone_type phone_verified
        memory_address contract_address url_address bind_address start_address address_id addressType zip_file
        zipPath gzip unzip cardinality card_type cardBrand discard postcard_size age_limit page image language
        message storage ip_version zip_code_type health_metrics health_check status_code country_code
        area_code session sessionTimeout session_count bicycle swiftui ibanez ssnippet birthmark streetlight
        email_host email_port emailBackend salted racetrack sexpr genderless_api balancer_url imbalance
        mobile_app_version counter_id stock_id table_name column_name system_name
"""


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for kind, names in SENSITIVE.items() for name in names.split()]
)
def test_a_sensitive_name_is_found_by_its_words(name: str, kind: str) -> None:
    found = classify(name)
    assert found is not None
    assert found.kind == kind
    assert 0.5 <= found.confidence < 1
    assert found.reason


@pytest.mark.parametrize("name", HARMLESS.split())
def test_a_name_that_only_contains_such_letters_is_harmless(name: str) -> None:
    assert classify(name) is None


@pytest.mark.parametrize(
    ("name", "type_text", "kind"),
    [
        ("password", "Boolean", None),
        ("password", "models.CharField", "auth"),
        ("password", "LargeBinary", "auth"),
        ("password", "Mapped[bytes]", "auth"),
        ("password", "Mapped[bool]", None),
        ("password", "DateTime", None),
        ("tokens", "Int", None),
        ("token", "integer", None),
        ("api_keys", "ApiKey[]", None),
        ("apiKeys", "String[]", "auth"),
        ("email", "EmailStr | None", "pii"),
        ("email", "bool", None),
        ("email", "DateTime?", None),
        ("address", "models.ForeignKey", None),
        ("addresses", "Mapped[list['Address']]", None),
        ("phone", "BigInteger", "pii"),
        ("salary", "Decimal(10, 2)", "financial"),
        ("salary", "boolean", None),
        ("birth_date", "DateField", "pii"),
        ("pregnant", "bool", "health"),
        ("gender", "Gender", "pii"),
        ("note", "SecretStr", "custom"),
        ("note", "EncryptedTextField", "custom"),
        ("note", "Text", None),
    ],
)
def test_the_declared_type_weighs(name: str, type_text: str, kind: str | None) -> None:
    found = classify(name, type_text=type_text)
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(
    ("name", "model", "kind"),
    [
        ("name", "Customer", "pii"),
        ("name", "Product", None),
        ("name", "SymbolProfile", None),
        ("location", "users", "pii"),
        ("city", "Warehouse", None),
        ("key", "ApiKey", "auth"),
        ("hash", "AccessTokens", "auth"),
        ("key", "Property", None),
        ("value", "Setting", None),
    ],
)
def test_the_model_weighs(name: str, model: str, kind: str | None) -> None:
    found = classify(name, model_name=model)
    assert (found.kind if found else None) == kind


def test_a_column_about_a_person_is_surer_than_the_same_column_elsewhere() -> None:
    on_person, elsewhere = classify("email", model_name="User"), classify("email", model_name="Mailbox")
    assert on_person is not None
    assert elsewhere is not None
    assert on_person.confidence > elsewhere.confidence
    assert "User" in on_person.reason


def test_credentials_weigh_more_than_what_stands_beside_them() -> None:
    found = classify("patient_email_password")
    assert found is not None
    assert (found.kind, found.reason) == ("auth", "'password' in the name")
