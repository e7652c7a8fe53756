"""Makes the hostile and the Chinese test files of this folder (pip install reportlab pypdf)."""

import io
import zipfile
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

HERE = Path(__file__).parent
TEXT = [
    "驿站机床股份有限公司质量检验报告",
    "主轴径向跳动不大于三微米，轴向窜动不大于二微米。",
    "检验员：赵启明　复核：钱若水　日期：二〇二六年三月九日",
    "Spindle runout 0.003 mm, accepted.",
]


def bomb(name, part, head):
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, head + " " * (32 << 20))


def entities():
    levels = "".join(f'<!ENTITY e{n} "{"&e%d;" % (n - 1) * 10}">' for n in range(1, 9))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "lol">{levels}]><document><body><p><r><t>a&e8;b</t></r></p></body></document>'
    with zipfile.ZipFile(HERE / "entities.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", xml)


def pdf(name, encoding, encode):
    """A PDF whose font is not embedded and whose strings are in a predefined CMap."""
    lines = "".join(f"<{encode(line).hex()}> Tj 0 -24 Td " for line in TEXT)
    stream = f"BT /F1 14 Tf 60 740 Td {lines}ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >> stream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /%s /DescendantFonts [6 0 R] >>" % encoding.encode(),
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /FontDescriptor 7 0 R >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /Ascent 880 /Descent -120 /CapHeight 700 /ItalicAngle 0 /StemV 93 /FontBBox [-25 -254 1000 880] >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    (HERE / name).write_bytes(out)


def encrypted():
    data = io.BytesIO()
    page = canvas.Canvas(data, invariant=True)
    page.drawString(72, 720, "secret")
    page.save()
    writer = PdfWriter(PdfReader(data))
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(HERE / "encrypted.pdf")


def rotated():
    """The same page four times, turned by 0, 90, 180 and 270 degrees."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    page = canvas.Canvas(str(HERE / "rotated.pdf"), pagesize=(600, 600), invariant=True)
    for turn in (0, 90, 180, 270):
        page.setPageRotation(turn)
        page.setFont("STSong-Light", 12)
        page.drawString(50, 500, f"Turned by {turn} degrees")
        page.drawString(50, 480, "第二行文字")
        page.showPage()
    page.save()


bomb("bomb.docx", "word/document.xml", "<document>")
bomb("bomb.xlsx", "xl/workbook.xml", "<workbook>")
entities()
pdf("gbk-euc-h.pdf", "GBK-EUC-H", lambda line: line.encode("gbk"))
pdf("unigb-ucs2-h.pdf", "UniGB-UCS2-H", lambda line: line.encode("utf-16-be"))
encrypted()
rotated()
